-- Keys of an installation, in a database of their own: another cluster, with backups of its own
-- (docs/adr/0015). Everything here is wrapped: by the key-encryption key, which is in no database,
-- or by the participant's key.

-- What servers use. Owns nothing and deletes nothing: destroyed keys leave their row behind.
do $$
begin
  if not exists (select from pg_roles where rolname = 'tm_keys') then
    create role tm_keys login nosuperuser nobypassrls nocreatedb nocreaterole;
  end if;
end $$;

create table key_store (
  only_row           boolean primary key default true check (only_row),
  key_store_id       uuid not null,
  restore_generation bigint not null default 0,
  heartbeat          bigint not null default 0
);

-- Of the installation: "check", "receipt", "service/<name>".
create table installation_key (
  name    text primary key,
  wrapped bytea not null
);

create table participant_key (
  participant_id uuid primary key,
  wrapped        bytea,            -- null once it was destroyed
  destroyed_at   timestamptz,
  check ((wrapped is null) = (destroyed_at is not null))
);

create table data_key (
  participant_id uuid not null,
  stream_id      uuid not null,
  utc_day        integer not null,
  generation     bigint not null check (generation between 0 and 4294967294),
  wrapped        bytea,
  destroyed_at   timestamptz,
  primary key (participant_id, stream_id, utc_day, generation),
  check ((wrapped is null) = (destroyed_at is not null))
);

-- A destroyed key lives on in the old version of its row until that is vacuumed: at the next round
-- of autovacuum, not after a share of the table has changed.
alter table participant_key set (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);
alter table data_key set (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);

grant select, insert, update on key_store, installation_key, participant_key, data_key to tm_keys;
