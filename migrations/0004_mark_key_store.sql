-- Which folder of keys this database belongs to, written at the first start and never changed: with
-- another one nothing stored could be read, and what is written would be lost with it.
create table key_store_mark (
  only_row     boolean primary key default true check (only_row),
  key_store_id uuid not null
);

insert into scale_map (relname, kind, distcol, on_erase) values
  ('key_store_mark', 'local', null, 'keep');

grant select, insert on key_store_mark to tm_app;
grant select on key_store_mark to tm_ingest;
