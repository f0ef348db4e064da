-- Settled chunks are packed into sealed segments and large tiles (docs/adr/0026).

-- A live segment holds what one commit brought; one that belongs to a run is sealed.
alter table segment add column run_id uuid;

-- The work of the sealer, and the tail that readers join: it holds live segments only. The id says
-- when they arrived.
create index segment_live on segment (study_id, participant_id, stream_id, segment_id)
  include (stored_bytes) where not sealed;
create index segment_by_run on segment (participant_id, run_id) where run_id is not null;

-- Chunks of one outbox, boot, clock, stream version and data key that were sealed together. A run
-- stands for all of its chunks: whoever changes or takes away one of them takes the run away and
-- leaves its segments live.
create table sealed_run (
  participant_id uuid not null,
  run_id         uuid not null,
  study_id       uuid not null,
  stream_id      uuid not null,
  writer_id      uuid not null,
  boot_id        uuid not null,
  clock_id       integer not null,
  stream_version integer not null,
  key_name       bytea not null,     -- as in segment.key_name
  first_number   bigint not null,
  last_number    bigint not null,    -- numbers between them may be missing
  chunks         integer not null,
  samples        bigint not null,    -- of chunks that were not erased
  covered_ns     bigint not null,    -- sum of their spans
  t_min_ns       bigint not null,    -- device time, of the plausible stamps
  t_max_ns       bigint not null,
  cell_bits      smallint not null,  -- its numbers share all but these low bits
  levels         smallint not null,  -- of tiles; 0 without samples
  tile_bytes     bigint not null,
  closed         boolean not null,   -- nothing that arrives can belong to it any more
  dense          boolean not null,   -- else packed in a hurry, and to be packed again
  sealed_at      timestamptz not null,
  primary key (participant_id, run_id)
);
-- t_max_ns - t_min_ns is at most 24 hours, so a range of time is a bounded scan of this index.
create index sealed_run_by_time on sealed_run (participant_id, stream_id, boot_id, clock_id, t_min_ns);
create index sealed_run_open on sealed_run (participant_id, stream_id) where not closed;
create index sealed_run_quick on sealed_run (study_id, participant_id, stream_id) where not dense;

-- The buckets of a run: level 0 has 64 samples a bucket, each further one four times as many.
create table tile (
  participant_id uuid not null,
  run_id         uuid not null,
  level          smallint not null,
  study_id       uuid not null,
  payload        bytea not null,  -- sealed
  primary key (participant_id, run_id, level)
);
alter table tile alter column payload set storage external;

-- Which worker seals a stream. Each claim raises the fence; times are of the database's clock.
create table sealing_claim (
  participant_id uuid not null,
  stream_id      uuid not null,
  study_id       uuid not null,
  fence          bigint not null,
  lease_until    timestamptz not null,
  primary key (participant_id, stream_id)
);

-- Live segments that could not be sealed, and why. They stay as they are, and are tried again.
create table sealing_fault (
  participant_id uuid not null,
  segment_id     uuid not null,
  stream_id      uuid not null,
  study_id       uuid not null,
  problem        text not null,
  attempts       integer not null,
  noted_at       timestamptz not null,
  retry_at       timestamptz not null,
  primary key (participant_id, segment_id)
);

insert into scale_map (relname, kind, distcol, on_erase) values
  ('sealed_run', 'dist', 'participant_id', 'delete'),
  ('tile', 'dist', 'participant_id', 'delete'),
  ('sealing_claim', 'dist', 'participant_id', 'delete'),
  ('sealing_fault', 'dist', 'participant_id', 'delete');

do $$
declare
  t name;
begin
  foreach t in array array['sealed_run', 'tile', 'sealing_claim', 'sealing_fault'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format($p$
      create policy in_scope on %I using (
        strpos(current_setting('app.participant_ids', true), participant_id::text) > 0
        or strpos(current_setting('app.study_ids', true), study_id::text) > 0)
      $p$, t);
  end loop;
end $$;

-- The sealer works as tm_app.
grant select, insert, update, delete on sealed_run, tile, sealing_claim, sealing_fault to tm_app;
grant insert on segment to tm_app;
grant update (sealed, run_id) on segment to tm_app;
grant update (segment_id, segment_slot) on chunk to tm_app;
grant select on sealed_run, tile to tm_read;
