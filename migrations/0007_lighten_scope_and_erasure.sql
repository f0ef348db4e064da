-- What a transaction may see is found without parsing; erased ranges are remembered; steps of an
-- erasure cost what they delete.

-- Ranges of study time that were erased, for as long as there is a participant: what arrives of one
-- later is refused, and what slipped in is hidden (docs/adr/0020). Rows are added and never changed.
create table erased_range (
  participant_id uuid not null,
  erasure_id     uuid not null,
  stream_id      uuid not null,  -- zero: every stream but those of clock records
  study_id       uuid not null,
  begin_ns       bigint not null,
  end_ns         bigint not null,
  primary key (participant_id, erasure_id, stream_id),
  check (end_ns > begin_ns)
);
insert into scale_map (relname, kind, distcol, on_erase) values
  ('erased_range', 'dist', 'participant_id', 'delete');
alter table erased_range enable row level security;
alter table erased_range force row level security;
create policy in_scope on erased_range using (false);  -- until the end of this file
grant select, insert, delete on erased_range to tm_app;
grant select on erased_range to tm_ingest, tm_read;

-- Row-level security without parsing a list once for each row (docs/adr/0019). Ids in the setting are
-- canonical text, which base/db writes: the text of an id is found only where that id stands, and a
-- setting that is missing, empty or no list of ids finds nothing.
do $$
declare
  t record;
begin
  for t in select relname, distcol from scale_map where kind = 'dist' order by relname loop
    execute format($p$
      alter policy in_scope on %I using (
        strpos(current_setting('app.participant_ids', true), %I::text) > 0
        or strpos(current_setting('app.study_ids', true), study_id::text) > 0)
      $p$, t.relname, t.distcol);
  end loop;
end $$;

-- A step of an erasure reads from the front of an index to its last row and no further, however much
-- is left.
alter function tm_erase_rows(uuid, integer) set enable_seqscan = off;
alter function tm_erase_rows(uuid, integer) set enable_bitmapscan = off;
