-- Roles per study, consent per kind of data, erasure by jobs, signed roots of the evidence.

-- People and programs with roles ------------------------------------------------------------------

-- A role of a person or a program in one study. Kinds of data are bits, 1 << (DataKind - 1).
create table study_grant (
  study_id     uuid not null,
  principal_id uuid not null,
  role         smallint not null check (role between 1 and 7),  -- tidemark.v1.Role
  data_kinds   integer not null check (data_kinds between 0 and 127),
  granted_by   uuid not null,
  granted_at   timestamptz not null,
  primary key (study_id, principal_id, role)
);
create index study_grant_by_principal on study_grant (principal_id);

-- Managers become staff with the roles manager and admin: of every kind but audio, video, location.
insert into study_grant (study_id, principal_id, role, data_kinds, granted_by, granted_at)
  select study_id, principal_id, role, 71, principal_id, created_at
  from principal, (values (3), (4)) as roles (role)
  where kind = 2;

alter table principal drop constraint principal_kind_check;
alter table principal drop constraint principal_state_check;
alter table principal drop constraint principal_check;
alter table principal drop constraint principal_check1;
update principal set kind = 4, study_id = null where kind = 2;
alter table principal
  add constraint principal_kind_is_known check (kind in (1, 3, 4, 5)),  -- device, operator, staff, service
  -- pending, active, revoked; erased: a device that may only be told to delete its copies
  add constraint principal_state_is_known check (state in (1, 2, 3, 4)),
  add constraint principal_device_has_participant
    check ((kind = 1) = (participant_id is not null) and (kind = 1) = (study_id is not null));

-- A token has a label; a session of a person is renewed until a limit.
alter table credential drop constraint credential_kind_check;
alter table credential
  -- token, device session, enrolment code, session of a person, sign-in code
  add constraint credential_kind_is_known check (kind in (1, 2, 3, 4, 5)),
  add column label text not null default '',
  add column renewable_until timestamptz;

-- Studies and participants ------------------------------------------------------------------------

alter table study add column plan bytea;  -- tidemark.v1.StudyPlan; null for none

alter table participant
  add column state_since timestamptz,
  add column attributes bytea;  -- sealed tidemark.v1.Attributes; null for none
update participant set state_since = created_at;
alter table participant
  alter column state_since set default now(),
  alter column state_since set not null;

-- Decisions of participants, never edited. The newest one whose range contains an instant holds.
create table consent (
  participant_id uuid not null references participant (participant_id) on delete cascade,
  data_kind      smallint not null check (data_kind between 1 and 7),  -- tidemark.v1.DataKind
  version        integer not null check (version >= 1),
  study_id       uuid not null,
  decision       smallint not null check (decision in (1, 2)),         -- granted, refused
  valid_from_ns  bigint not null,                                      -- study time
  valid_until_ns bigint,
  document       text not null,
  recorded_by    uuid not null,
  recorded_at    timestamptz not null,
  primary key (participant_id, data_kind, version),
  check (valid_until_ns > valid_from_ns)
);

-- Work that outlives a server ---------------------------------------------------------------------

-- A worker leases a job; each lease raises the fence, and a result counts only under its own fence.
create table job (
  job_id         uuid primary key,
  kind           smallint not null check (kind in (1)),        -- erasure
  study_id       uuid not null,
  participant_id uuid,
  payload        bytea not null,
  state          smallint not null check (state in (1, 2)),    -- open, done
  available_at   timestamptz not null,
  lease_until    timestamptz,
  attempt        integer not null default 0,
  fence          bigint not null default 0,
  problem        text not null default '',
  created_at     timestamptz not null,
  finished_at    timestamptz
);
create index job_open on job (kind, available_at) where state = 1;

-- Erasure -----------------------------------------------------------------------------------------

-- What was destroyed, by whom and why; stays for ever and names nobody.
create table erasure (
  erasure_id     uuid primary key,
  study_id       uuid not null,
  participant_id uuid not null,
  reason         text not null,
  requested_by   uuid not null,
  requested_at   timestamptz not null,
  done_at        timestamptz,
  report         bytea not null   -- tidemark.v1.Erasure: what was counted
);
create index erasure_by_study on erasure (study_id, erasure_id);

-- Evidence ----------------------------------------------------------------------------------------

-- Links made from now on bind their study and time too.
alter table audit add column link_version smallint not null default 1;
create index audit_by_study on audit (study_id, subject, seq);

-- Signed once a day over the ends of all chains of a study.
create table audit_root (
  study_id  uuid not null,
  utc_day   integer not null,
  signature bytea not null,
  key_id    text not null,
  heads     bytea not null,  -- tidemark.v1.AuditRoot: the ends of all chains
  signed_at timestamptz not null,
  primary key (study_id, utc_day)
);

insert into scale_map (relname, kind, distcol, on_erase) values
  ('study_grant', 'local', null, 'keep'),
  ('job', 'local', null, 'keep'),
  ('erasure', 'local', null, 'keep'),
  ('audit_root', 'local', null, 'keep'),
  ('consent', 'dist', 'participant_id', 'cascade');

-- A device of an erased participant can still prove itself, without a name, to be told to delete
-- its copies.
update scale_map set on_erase = 'keep' where relname in ('principal', 'device_key');

alter table consent enable row level security;
alter table consent force row level security;
create policy in_scope on consent using (
  participant_id = any (string_to_array(nullif(current_setting('app.participant_ids', true), ''), ',')::uuid[])
  or study_id = any (string_to_array(nullif(current_setting('app.study_ids', true), ''), ',')::uuid[]));

-- Deletes at most `rows_max` rows of a participant from the tables that an erasure empties row by
-- row, and says how many; 0 when none is left. The participant itself, with what cascades from it,
-- goes last, by the caller. Under the rights and the row-level security of the caller.
create function tm_erase_rows(erased uuid, rows_max integer) returns bigint
language plpgsql set search_path = pg_catalog, public as $$
declare
  t record;
  deleted bigint := 0;
  step bigint;
begin
  for t in select relname, distcol from public.scale_map
           where kind = 'dist' and on_erase = 'delete' and relname <> 'participant'
           order by relname loop
    execute format(
      'delete from public.%1$I where %2$I = $1 and (tableoid, ctid) in '
      '(select tableoid, ctid from public.%1$I where %2$I = $1 limit $2)', t.relname, t.distcol)
      using erased, rows_max - deleted;
    get diagnostics step = row_count;
    deleted := deleted + step;
    exit when deleted >= rows_max;
  end loop;
  return deleted;
end $$;

-- How many rows of each table name a participant: the verification at the end of an erasure.
create function tm_count_rows_of(participant uuid)
returns table (table_name name, erase_rule text, row_total bigint)
language plpgsql stable set search_path = pg_catalog, public as $$
declare
  t record;
begin
  for t in
    select m.relname, m.on_erase, coalesce(m.distcol, a.attname) as col
      from public.scale_map m
      left join pg_attribute a on a.attrelid = format('public.%I', m.relname)::regclass
                              and a.attname = 'participant_id' and not a.attisdropped
     where coalesce(m.distcol, a.attname) is not null
     order by m.relname loop
    table_name := t.relname;
    erase_rule := t.on_erase;
    execute format('select count(*) from public.%I where %I = $1', t.relname, t.col)
      into row_total using participant;
    return next;
  end loop;
end $$;

revoke execute on function tm_erase_rows(uuid, integer), tm_count_rows_of(uuid) from public;
grant execute on function tm_erase_rows(uuid, integer), tm_count_rows_of(uuid) to tm_app;

grant select, insert, update, delete on study_grant, job to tm_app;
grant select, insert, update on erasure to tm_app;
grant select, insert on audit_root, consent to tm_app;
grant update (plan) on study to tm_app;

-- Erasing: what is deleted row by row.
grant delete on participant, chunk, segment, stream_state, epoch, epoch_start, clock_pair, probe,
  quarantine, quarantine_usage to tm_app;
