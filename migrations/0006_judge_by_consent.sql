-- Chunks and reads are judged by consent; a range of recordings can be erased; a restored database is
-- noticed.

-- Numbers that a device was told to delete, and deleted.
alter table stream_state add column refused int8multirange not null default '{}';

-- The request that took an entry out, so that it is answered again after a lost answer.
alter table quarantine add column decided_request uuid;

grant select on consent to tm_ingest, tm_read;

-- Erasing a range: chunks are marked at once (flag bit 2). Then every segment that their data keys
-- seal is sealed anew in its place, without the marked chunks, and the old keys are destroyed.
alter table job
  drop constraint job_kind_check,
  add constraint job_kind_is_known check (kind in (1, 2));     -- participant, range
grant update (flags) on chunk to tm_app;
grant update (payload, tiles) on segment to tm_app;
-- Empty for most streams: whether one has erased chunks is one look. A comparison, because row-level security lets the planner see through no other operator.
create index chunk_erased on chunk (participant_id, stream_id) where flags >= 4;

-- The data keys that an erasure of a range has to destroy.
create table erased_key (
  participant_id uuid not null,
  erasure_id     uuid not null,
  stream_id      uuid not null,
  key_name       bytea not null,             -- as in segment.key_name
  study_id       uuid not null,
  chunks_kept    bigint not null default 0,  -- sealed anew so far
  destroyed_at   timestamptz,
  primary key (participant_id, erasure_id, stream_id, key_name)
);
insert into scale_map (relname, kind, distcol, on_erase) values
  ('erased_key', 'dist', 'participant_id', 'delete');
alter table erased_key enable row level security;
alter table erased_key force row level security;
create policy in_scope on erased_key using (
  participant_id = any (string_to_array(nullif(current_setting('app.participant_ids', true), ''), ',')::uuid[])
  or study_id = any (string_to_array(nullif(current_setting('app.study_ids', true), ''), ',')::uuid[]));
grant select, insert, update, delete on erased_key to tm_app;

-- Grows while servers run; the key store holds the newest value, so that a database that is older
-- than its key store shows.
alter table restore_mark add column heartbeat bigint not null default 0;

-- Months begin in UTC, whatever the zone of the session that makes their partitions.
alter function tm_ensure_segment_partitions(integer) set timezone = 'UTC';
