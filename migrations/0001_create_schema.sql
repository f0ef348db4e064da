-- The schema of part one: who may write, what was declared, what arrived, and what was set aside.
--
-- Rules (checked by tests/migrations): participant tables are distributed by participant_id and
-- carry study_id; no trigger; row-level security is forced; every table stands in scale_map, which
-- also says what the erasure of a participant does to it.

-- Server roles. None owns anything; passwords, if the site uses them, are set by its operator.
do $$
declare role_name text;
begin
  foreach role_name in array array['tm_ingest', 'tm_app', 'tm_read'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I login nosuperuser nobypassrls nocreatedb nocreaterole', role_name);
    end if;
  end loop;
end $$;

create table scale_map (
  relname  name primary key,
  kind     text not null check (kind in ('dist', 'ref', 'local')),
  distcol  name check ((kind = 'dist') = (distcol is not null)),
  on_erase text not null check (on_erase in ('cascade', 'delete', 'keep'))
);

-- Studies and the people and devices that may speak -----------------------------------------------

create table study (
  study_id   uuid primary key,
  name       text not null constraint study_name_is_taken unique,
  created_at timestamptz not null
);

-- Which codes exist in a study: uniqueness that a table distributed by participant cannot give.
create table participant_directory (
  study_id       uuid not null,
  code           text not null,
  participant_id uuid not null constraint participant_directory_participant_key unique,
  constraint participant_code_is_taken primary key (study_id, code)
);

-- Whoever can prove to be somebody. A device's principal_id is its device_id.
create table principal (
  principal_id   uuid primary key,
  kind           smallint not null check (kind in (1, 2, 3)),  -- device, manager, operator
  study_id       uuid,
  participant_id uuid,
  display_name   text not null,
  state          smallint not null check (state in (1, 2, 3)),  -- pending, active, revoked
  created_at     timestamptz not null,
  revoked_at     timestamptz,
  check ((kind = 1) = (participant_id is not null)),
  check (kind = 3 or study_id is not null)
);
create index principal_by_participant on principal (participant_id) where participant_id is not null;

-- Bearer tokens and one-time codes: found by public id, proven by the hash of the secret.
create table credential (
  public_id       text primary key,
  kind            smallint not null check (kind in (1, 2, 3)),  -- staff token, device session, enrolment code
  principal_id    uuid not null,
  secret_sha256   bytea not null,
  created_at      timestamptz not null,
  expires_at      timestamptz,
  revoked_at      timestamptz,
  failed_attempts integer not null default 0,
  redeemed_key    bytea  -- enrolment codes: the public key that redeemed it
);
create index credential_by_principal on credential (principal_id);
create index credential_by_expiry on credential (expires_at) where expires_at is not null;

create table device_key (
  device_id   uuid not null,
  public_key  bytea not null,  -- DER SubjectPublicKeyInfo, P-256
  valid_from  timestamptz not null,
  valid_until timestamptz,
  primary key (device_id, public_key)
);

-- Nonces of challenges that opened a session; rows end with the challenge's own expiry.
create table used_challenge (
  nonce      bytea primary key,
  expires_at timestamptz not null
);
create index used_challenge_by_expiry on used_challenge (expires_at);

-- Answers to mutations, remembered for 24 hours. The response is sealed: it may hold a token.
create table request_memory (
  principal_id   uuid not null,
  request_id     uuid not null,
  method         text not null,
  request_sha256 bytea not null,
  response       bytea not null,
  created_at     timestamptz not null,
  primary key (principal_id, request_id)
);
create index request_memory_by_age on request_memory (created_at);

-- Public halves of the keys that sign receipts, for ever.
create table receipt_key (
  key_id      text primary key,
  public_key  bytea not null,
  valid_from  timestamptz not null,
  valid_until timestamptz
);

-- Compared at start with the generation beside the key store: a database restored from a backup is
-- older and takes no ingest until the operator raises it.
create table restore_mark (
  only_row   boolean primary key default true check (only_row),
  generation bigint not null
);
insert into restore_mark (generation) values (0);

-- Participants and what their devices declared ----------------------------------------------------

create table participant (
  participant_id uuid primary key,
  study_id       uuid not null references study (study_id),
  code           text not null,
  state          smallint not null check (state in (1, 2, 3, 4)),  -- active, completed, withdrawn, erased
  created_at     timestamptz not null
);

create table device (
  participant_id uuid not null references participant (participant_id) on delete cascade,
  device_id      uuid not null,
  study_id       uuid not null,
  name           text not null,
  state          smallint not null check (state in (1, 2, 3)),  -- pending, active, revoked
  created_at     timestamptz not null,
  enrolled_at    timestamptz,
  revoked_at     timestamptz,
  primary key (participant_id, device_id),
  constraint device_name_is_taken unique (participant_id, name)
);

create table stream (
  participant_id uuid not null references participant (participant_id) on delete cascade,
  stream_id      uuid not null,
  study_id       uuid not null,
  device_id      uuid not null,
  name           text not null,
  primary key (participant_id, stream_id),
  constraint stream_name_is_taken unique (participant_id, device_id, name),
  foreign key (participant_id, device_id) references device (participant_id, device_id) on delete cascade
);

create table stream_version (
  participant_id uuid not null,
  stream_id      uuid not null,
  version        integer not null check (version >= 1),
  study_id       uuid not null,
  declaration    bytea not null,  -- tidemark.v1.StreamDeclaration, deterministic serialization
  declared_at    timestamptz not null,
  primary key (participant_id, stream_id, version),
  foreign key (participant_id, stream_id) references stream (participant_id, stream_id) on delete cascade
);

-- What arrived ------------------------------------------------------------------------------------

-- One row per stored chunk, for ever: what it is, and where its payload lies. Times are device time.
create table chunk (
  participant_id uuid not null,
  stream_id      uuid not null,
  writer_id      uuid not null,
  number         bigint not null,
  study_id       uuid not null,
  device_id      uuid not null,
  sha256         bytea not null,
  stream_version integer not null,
  kind           smallint not null,   -- 1 samples, 2 encoded, 3 records
  boot_id        uuid not null,
  clock_id       integer not null,
  first_counter  bigint not null,
  sample_count   integer not null,    -- samples, 1 for an encoded segment, or records
  body_bytes     integer not null,    -- of the uncompressed body as sent
  flags          integer not null,    -- bit 0 repeated stamp, bit 1 backward stamp
  outlier_stamps integer not null,
  t_min_ns       bigint not null,     -- of the plausible stamps
  t_max_ns       bigint not null,
  segment_id     uuid not null,
  segment_slot   smallint not null,
  arrived_at     timestamptz not null,
  primary key (participant_id, stream_id, writer_id, number)
);
-- t_max_ns - t_min_ns is at most one hour, so a range of time is a bounded scan of this index.
create index chunk_by_time on chunk (participant_id, stream_id, boot_id, clock_id, t_min_ns);
create index chunk_by_segment on chunk (participant_id, segment_id);

-- Payloads of one or more chunks of one stream, boot and data key, with their base tiles. The month
-- of arrival is the prefix of the UUIDv7, so that pruning needs no further column.
create table segment (
  participant_id uuid not null,
  segment_id     uuid not null,
  study_id       uuid not null,
  stream_id      uuid not null,
  sealed         boolean not null,
  payload        bytea not null,
  tiles          bytea,
  primary key (participant_id, segment_id)
) partition by range (segment_id);
create table segment_default partition of segment default;
alter table segment alter column payload set storage external;
alter table segment alter column tiles set storage external;
alter table segment_default alter column payload set storage external;
alter table segment_default alter column tiles set storage external;

-- What is known of the numbers of one outbox. Workers derive their work from revision > cursor.
create table stream_state (
  participant_id   uuid not null,
  stream_id        uuid not null,
  writer_id        uuid not null,
  study_id         uuid not null,
  device_id        uuid not null,
  stored           int8multirange not null default '{}',
  quarantined      int8multirange not null default '{}',
  abandoned        int8multirange not null default '{}',
  revision         bigint not null default 0,
  stored_chunks    bigint not null default 0,
  duplicate_chunks bigint not null default 0,
  last_receipt_at  timestamptz not null,
  newest_device_ns bigint,
  newest_boot_id   uuid,
  newest_clock_id  integer,
  primary key (participant_id, stream_id, writer_id)
);

-- Evidence about clocks ---------------------------------------------------------------------------

-- A part of a boot without a reset. Ordinal 0 begins with the boot; a reset found later from
-- evidence adds rows here and in epoch_start and nothing else.
create table epoch (
  participant_id uuid not null,
  device_id      uuid not null,
  boot_id        uuid not null,
  clock_id       integer not null,
  ordinal        integer not null,
  study_id       uuid not null,
  primary key (participant_id, device_id, boot_id, clock_id, ordinal)
);

-- First chunk number of an epoch with ordinal > 0, per outbox.
create table epoch_start (
  participant_id uuid not null,
  device_id      uuid not null,
  boot_id        uuid not null,
  clock_id       integer not null,
  ordinal        integer not null,
  stream_id      uuid not null,
  writer_id      uuid not null,
  first_number   bigint not null,
  study_id       uuid not null,
  primary key (participant_id, device_id, boot_id, clock_id, ordinal, stream_id, writer_id),
  foreign key (participant_id, device_id, boot_id, clock_id, ordinal)
    references epoch (participant_id, device_id, boot_id, clock_id, ordinal) on delete cascade
);

-- Clocks read together, from records; `entry` is the place within the chunk.
create table clock_pair (
  participant_id uuid not null,
  stream_id      uuid not null,
  writer_id      uuid not null,
  number         bigint not null,
  entry          integer not null,
  study_id       uuid not null,
  device_id      uuid not null,
  boot_id        uuid not null,
  clock_id       integer not null,
  is_boot_start  boolean not null,
  sensor_ns      bigint not null,
  monotonic_ns   bigint not null,
  wall_ns        bigint not null,
  utc_offset_s   integer not null,
  primary key (participant_id, stream_id, writer_id, number, entry)
);
create index clock_pair_by_clock on clock_pair (participant_id, device_id, boot_id, clock_id, sensor_ns);

-- Four-timestamp exchanges, raw.
create table probe (
  participant_id uuid not null,
  stream_id      uuid not null,
  writer_id      uuid not null,
  number         bigint not null,
  entry          integer not null,
  study_id       uuid not null,
  device_id      uuid not null,
  boot_id        uuid not null,
  t1_device_ns   bigint not null,
  t2_server_ns   bigint not null,
  t3_server_ns   bigint not null,
  t4_device_ns   bigint not null,
  primary key (participant_id, stream_id, writer_id, number, entry)
);
create index probe_by_boot on probe (participant_id, device_id, boot_id, t1_device_ns);

-- Set aside ---------------------------------------------------------------------------------------

create table quarantine (
  participant_id uuid not null,
  quarantine_id  uuid not null,
  study_id       uuid not null,
  device_id      uuid not null,
  stream_id      uuid not null,
  writer_id      uuid not null,
  number         bigint not null,
  sha256         bytea not null,
  body_bytes     integer not null,
  reason         smallint not null,   -- tidemark.v1.ReceiptReason
  detail         text not null,
  state          smallint not null check (state in (1, 2, 3)),  -- held, redriven, discarded
  body           bytea,               -- sealed; null once discarded or redriven
  quarantined_at timestamptz not null,
  decided_at     timestamptz,
  primary key (participant_id, quarantine_id),
  constraint quarantine_body_is_known unique (participant_id, device_id, sha256),
  check ((state = 1) = (body is not null))
);
-- Byte quotas.
create table quarantine_usage (
  participant_id uuid not null,
  device_id      uuid not null,
  study_id       uuid not null,
  held_bytes     bigint not null default 0,
  held_chunks    bigint not null default 0,
  primary key (participant_id, device_id)
);

-- Evidence of what people did ---------------------------------------------------------------------

-- Chained per subject over body hashes, so that a body can be erased and the chain still holds. The
-- subject is a participant or a study; no foreign key, because evidence outlives what it is about.
create table audit (
  subject     uuid not null,
  seq         bigint not null,
  study_id    uuid,
  prev_hash   bytea not null,
  body_hash   bytea not null,
  body        bytea,      -- sealed
  recorded_at timestamptz not null,
  primary key (subject, seq)
);

insert into scale_map (relname, kind, distcol, on_erase) values
  ('schema_migration', 'local', null, 'keep'),
  ('study', 'ref', null, 'keep'),
  ('receipt_key', 'ref', null, 'keep'),
  ('restore_mark', 'local', null, 'keep'),
  ('participant_directory', 'local', null, 'delete'),
  ('principal', 'local', null, 'delete'),
  ('credential', 'local', null, 'delete'),
  ('device_key', 'local', null, 'delete'),
  ('used_challenge', 'local', null, 'keep'),
  ('request_memory', 'local', null, 'delete'),
  ('participant', 'dist', 'participant_id', 'delete'),
  ('device', 'dist', 'participant_id', 'cascade'),
  ('stream', 'dist', 'participant_id', 'cascade'),
  ('stream_version', 'dist', 'participant_id', 'cascade'),
  ('chunk', 'dist', 'participant_id', 'delete'),
  ('segment', 'dist', 'participant_id', 'delete'),
  ('stream_state', 'dist', 'participant_id', 'delete'),
  ('epoch', 'dist', 'participant_id', 'delete'),
  ('epoch_start', 'dist', 'participant_id', 'delete'),
  ('clock_pair', 'dist', 'participant_id', 'delete'),
  ('probe', 'dist', 'participant_id', 'delete'),
  ('quarantine', 'dist', 'participant_id', 'delete'),
  ('quarantine_usage', 'dist', 'participant_id', 'delete'),
  ('audit', 'dist', 'subject', 'keep');

-- The second wall ---------------------------------------------------------------------------------

-- A transaction sees the participants and studies it named with SET LOCAL, and nothing by default.
do $$
declare
  t record;
begin
  for t in select relname, distcol from scale_map where kind = 'dist' loop
    execute format('alter table %I enable row level security', t.relname);
    execute format('alter table %I force row level security', t.relname);
    execute format($p$
      create policy in_scope on %I using (
        %I = any (string_to_array(nullif(current_setting('app.participant_ids', true), ''), ',')::uuid[])
        or study_id = any (string_to_array(nullif(current_setting('app.study_ids', true), ''), ',')::uuid[]))
      $p$, t.relname, t.distcol);
  end loop;
end $$;

-- Partitions of `segment` for this month and `months_ahead` more. Called by the server, which owns
-- nothing; a month whose rows already lie in the default partition is left there.
create function tm_ensure_segment_partitions(months_ahead integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  month_start timestamptz;
  made integer := 0;
  lower_id uuid;
  upper_id uuid;
  partition_name text;
begin
  for i in 0 .. least(greatest(months_ahead, 0), 24) loop
    month_start := date_trunc('month', now() at time zone 'utc') at time zone 'utc'
                   + make_interval(months => i);
    partition_name := 'segment_' || to_char(month_start at time zone 'utc', 'YYYYMM');
    if to_regclass('public.' || partition_name) is not null then continue; end if;
    lower_id := rpad(lpad(to_hex((extract(epoch from month_start) * 1000)::bigint), 12, '0'), 32, '0')::uuid;
    upper_id := rpad(lpad(to_hex((extract(epoch from month_start + interval '1 month') * 1000)::bigint), 12, '0'), 32, '0')::uuid;
    begin
      execute format('create table public.%I partition of public.segment for values from (%L) to (%L)',
                     partition_name, lower_id, upper_id);
      execute format('alter table public.%I alter column payload set storage external', partition_name);
      execute format('alter table public.%I alter column tiles set storage external', partition_name);
      made := made + 1;
    exception
      when duplicate_table or check_violation then null;
    end;
  end loop;
  return made;
end $$;
revoke execute on function tm_ensure_segment_partitions(integer) from public;
grant execute on function tm_ensure_segment_partitions(integer) to tm_app, tm_ingest;

grant select on scale_map, schema_migration to tm_ingest, tm_app, tm_read;

-- Staff and device calls.
grant select, insert on study, receipt_key, audit to tm_app;
grant select, insert, update, delete on
  participant_directory, principal, credential, device_key, used_challenge, request_memory to tm_app;
grant select, insert, update on participant, device, stream, stream_version to tm_app;
grant select on chunk, segment, epoch, epoch_start, clock_pair, probe to tm_app;
grant select, insert, update on stream_state, quarantine, quarantine_usage to tm_app;
grant select, update on restore_mark to tm_app;

-- Admission and writer: inserts and looks up, changes nothing but counters.
grant select on study, participant, device, stream, stream_version, principal, restore_mark, receipt_key to tm_ingest;
grant select, insert on chunk, segment, epoch, clock_pair, probe to tm_ingest;
grant select, insert, update on stream_state, quarantine, quarantine_usage to tm_ingest;

-- Reads of signals.
grant select on study, participant, device, stream, stream_version, chunk, segment, stream_state,
  epoch, epoch_start, clock_pair, probe, quarantine to tm_read;
