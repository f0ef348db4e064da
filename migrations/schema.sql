--
-- PostgreSQL database dump
--



SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: tm_count_rows_of(uuid); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.tm_count_rows_of(participant uuid) RETURNS TABLE(table_name name, erase_rule text, row_total bigint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'public'
    AS $_$
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
end $_$;


--
-- Name: tm_ensure_segment_partitions(integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.tm_ensure_segment_partitions(months_ahead integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    SET "TimeZone" TO 'UTC'
    AS $$
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


--
-- Name: tm_erase_rows(uuid, integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.tm_erase_rows(erased uuid, rows_max integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    AS $_$
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
end $_$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: audit; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit (
    subject uuid NOT NULL,
    seq bigint NOT NULL,
    study_id uuid,
    prev_hash bytea NOT NULL,
    body_hash bytea NOT NULL,
    body bytea,
    recorded_at timestamp with time zone NOT NULL,
    link_version smallint DEFAULT 1 NOT NULL
);

ALTER TABLE ONLY public.audit FORCE ROW LEVEL SECURITY;


--
-- Name: audit_root; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_root (
    study_id uuid NOT NULL,
    utc_day integer NOT NULL,
    signature bytea NOT NULL,
    key_id text NOT NULL,
    heads bytea NOT NULL,
    signed_at timestamp with time zone NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT audit_root_number_is_positive CHECK ((number >= 1))
);


--
-- Name: chunk; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.chunk (
    participant_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    writer_id uuid NOT NULL,
    number bigint NOT NULL,
    study_id uuid NOT NULL,
    device_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    stream_version integer NOT NULL,
    kind smallint NOT NULL,
    boot_id uuid NOT NULL,
    clock_id integer NOT NULL,
    first_counter bigint NOT NULL,
    sample_count integer NOT NULL,
    body_bytes integer NOT NULL,
    flags integer NOT NULL,
    outlier_stamps integer NOT NULL,
    t_min_ns bigint NOT NULL,
    t_max_ns bigint NOT NULL,
    segment_id uuid NOT NULL,
    segment_slot smallint NOT NULL,
    arrived_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.chunk FORCE ROW LEVEL SECURITY;


--
-- Name: clock_pair; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.clock_pair (
    participant_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    writer_id uuid NOT NULL,
    number bigint NOT NULL,
    entry integer NOT NULL,
    study_id uuid NOT NULL,
    device_id uuid NOT NULL,
    boot_id uuid NOT NULL,
    clock_id integer NOT NULL,
    is_boot_start boolean NOT NULL,
    sensor_ns bigint NOT NULL,
    monotonic_ns bigint NOT NULL,
    wall_ns bigint NOT NULL,
    utc_offset_s integer NOT NULL
);

ALTER TABLE ONLY public.clock_pair FORCE ROW LEVEL SECURITY;


--
-- Name: consent; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.consent (
    participant_id uuid NOT NULL,
    data_kind smallint NOT NULL,
    version integer NOT NULL,
    study_id uuid NOT NULL,
    decision smallint NOT NULL,
    valid_from_ns bigint NOT NULL,
    valid_until_ns bigint,
    document bytea,
    recorded_by uuid NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT consent_check CHECK ((valid_until_ns > valid_from_ns)),
    CONSTRAINT consent_data_kind_check CHECK (((data_kind >= 1) AND (data_kind <= 7))),
    CONSTRAINT consent_decision_check CHECK ((decision = ANY (ARRAY[1, 2]))),
    CONSTRAINT consent_version_check CHECK ((version >= 1))
);

ALTER TABLE ONLY public.consent FORCE ROW LEVEL SECURITY;


--
-- Name: credential; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.credential (
    public_id text NOT NULL,
    kind smallint NOT NULL,
    principal_id uuid NOT NULL,
    secret_sha256 bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    failed_attempts integer DEFAULT 0 NOT NULL,
    redeemed_key bytea,
    label text DEFAULT ''::text NOT NULL,
    renewable_until timestamp with time zone,
    CONSTRAINT credential_kind_is_known CHECK ((kind = ANY (ARRAY[1, 2, 3, 4, 5])))
);


--
-- Name: device; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.device (
    participant_id uuid NOT NULL,
    device_id uuid NOT NULL,
    study_id uuid NOT NULL,
    name text NOT NULL,
    state smallint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    enrolled_at timestamp with time zone,
    revoked_at timestamp with time zone,
    CONSTRAINT device_state_check CHECK ((state = ANY (ARRAY[1, 2, 3])))
);

ALTER TABLE ONLY public.device FORCE ROW LEVEL SECURITY;


--
-- Name: device_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.device_key (
    device_id uuid NOT NULL,
    public_key bytea NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_until timestamp with time zone
);


--
-- Name: epoch; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.epoch (
    participant_id uuid NOT NULL,
    device_id uuid NOT NULL,
    boot_id uuid NOT NULL,
    clock_id integer NOT NULL,
    ordinal integer NOT NULL,
    study_id uuid NOT NULL
);

ALTER TABLE ONLY public.epoch FORCE ROW LEVEL SECURITY;


--
-- Name: epoch_start; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.epoch_start (
    participant_id uuid NOT NULL,
    device_id uuid NOT NULL,
    boot_id uuid NOT NULL,
    clock_id integer NOT NULL,
    ordinal integer NOT NULL,
    stream_id uuid NOT NULL,
    writer_id uuid NOT NULL,
    first_number bigint NOT NULL,
    study_id uuid NOT NULL
);

ALTER TABLE ONLY public.epoch_start FORCE ROW LEVEL SECURITY;


--
-- Name: erased_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.erased_key (
    participant_id uuid NOT NULL,
    erasure_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    key_name bytea NOT NULL,
    study_id uuid NOT NULL,
    chunks_kept bigint DEFAULT 0 NOT NULL,
    destroyed_at timestamp with time zone
);

ALTER TABLE ONLY public.erased_key FORCE ROW LEVEL SECURITY;


--
-- Name: erased_range; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.erased_range (
    participant_id uuid NOT NULL,
    erasure_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    study_id uuid NOT NULL,
    begin_ns bigint NOT NULL,
    end_ns bigint NOT NULL,
    CONSTRAINT erased_range_check CHECK ((end_ns > begin_ns))
);

ALTER TABLE ONLY public.erased_range FORCE ROW LEVEL SECURITY;


--
-- Name: erasure; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.erasure (
    erasure_id uuid NOT NULL,
    study_id uuid NOT NULL,
    participant_id uuid NOT NULL,
    requested_by uuid NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    done_at timestamp with time zone,
    report bytea NOT NULL
);


--
-- Name: job; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job (
    job_id uuid NOT NULL,
    kind smallint NOT NULL,
    study_id uuid NOT NULL,
    participant_id uuid,
    payload bytea NOT NULL,
    state smallint NOT NULL,
    available_at timestamp with time zone NOT NULL,
    lease_until timestamp with time zone,
    attempt integer DEFAULT 0 NOT NULL,
    fence bigint DEFAULT 0 NOT NULL,
    problem text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT job_kind_is_known CHECK ((kind = ANY (ARRAY[1, 2]))),
    CONSTRAINT job_state_check CHECK ((state = ANY (ARRAY[1, 2])))
);


--
-- Name: key_store_mark; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.key_store_mark (
    only_row boolean DEFAULT true NOT NULL,
    key_store_id uuid NOT NULL,
    CONSTRAINT key_store_mark_only_row_check CHECK (only_row)
);


--
-- Name: participant; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.participant (
    participant_id uuid NOT NULL,
    study_id uuid NOT NULL,
    code text NOT NULL,
    state smallint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    state_since timestamp with time zone DEFAULT now() NOT NULL,
    attributes bytea,
    CONSTRAINT participant_state_check CHECK ((state = ANY (ARRAY[1, 2, 3, 4])))
);

ALTER TABLE ONLY public.participant FORCE ROW LEVEL SECURITY;


--
-- Name: participant_directory; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.participant_directory (
    study_id uuid NOT NULL,
    code text NOT NULL,
    participant_id uuid NOT NULL
);


--
-- Name: principal; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.principal (
    principal_id uuid NOT NULL,
    kind smallint NOT NULL,
    study_id uuid,
    participant_id uuid,
    display_name text NOT NULL,
    state smallint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT principal_device_has_participant CHECK ((((kind = 1) = (participant_id IS NOT NULL)) AND ((kind = 1) = (study_id IS NOT NULL)))),
    CONSTRAINT principal_kind_is_known CHECK ((kind = ANY (ARRAY[1, 3, 4, 5]))),
    CONSTRAINT principal_state_is_known CHECK ((state = ANY (ARRAY[1, 2, 3, 4])))
);


--
-- Name: probe; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.probe (
    participant_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    writer_id uuid NOT NULL,
    number bigint NOT NULL,
    entry integer NOT NULL,
    study_id uuid NOT NULL,
    device_id uuid NOT NULL,
    boot_id uuid NOT NULL,
    t1_device_ns bigint NOT NULL,
    t2_server_ns bigint NOT NULL,
    t3_server_ns bigint NOT NULL,
    t4_device_ns bigint NOT NULL
);

ALTER TABLE ONLY public.probe FORCE ROW LEVEL SECURITY;


--
-- Name: quarantine; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.quarantine (
    participant_id uuid NOT NULL,
    quarantine_id uuid NOT NULL,
    study_id uuid NOT NULL,
    device_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    writer_id uuid NOT NULL,
    number bigint NOT NULL,
    sha256 bytea NOT NULL,
    body_bytes integer NOT NULL,
    reason smallint NOT NULL,
    detail text NOT NULL,
    state smallint NOT NULL,
    body bytea,
    quarantined_at timestamp with time zone NOT NULL,
    decided_at timestamp with time zone,
    decided_request uuid,
    CONSTRAINT quarantine_check CHECK (((state = 1) = (body IS NOT NULL))),
    CONSTRAINT quarantine_state_check CHECK ((state = ANY (ARRAY[1, 2, 3])))
);

ALTER TABLE ONLY public.quarantine FORCE ROW LEVEL SECURITY;


--
-- Name: quarantine_usage; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.quarantine_usage (
    participant_id uuid NOT NULL,
    device_id uuid NOT NULL,
    study_id uuid NOT NULL,
    held_bytes bigint DEFAULT 0 NOT NULL,
    held_chunks bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.quarantine_usage FORCE ROW LEVEL SECURITY;


--
-- Name: receipt_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.receipt_key (
    key_id text NOT NULL,
    public_key bytea NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_until timestamp with time zone
);


--
-- Name: request_memory; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.request_memory (
    principal_id uuid NOT NULL,
    request_id uuid NOT NULL,
    method text NOT NULL,
    request_sha256 bytea NOT NULL,
    response bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: restore_mark; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.restore_mark (
    only_row boolean DEFAULT true NOT NULL,
    generation bigint NOT NULL,
    heartbeat bigint DEFAULT 0 NOT NULL,
    CONSTRAINT restore_mark_only_row_check CHECK (only_row)
);


--
-- Name: scale_map; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.scale_map (
    relname name NOT NULL,
    kind text NOT NULL,
    distcol name,
    on_erase text NOT NULL,
    CONSTRAINT scale_map_check CHECK (((kind = 'dist'::text) = (distcol IS NOT NULL))),
    CONSTRAINT scale_map_kind_check CHECK ((kind = ANY (ARRAY['dist'::text, 'ref'::text, 'local'::text]))),
    CONSTRAINT scale_map_on_erase_check CHECK ((on_erase = ANY (ARRAY['cascade'::text, 'delete'::text, 'keep'::text])))
);


--
-- Name: schema_migration; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_migration (
    version integer NOT NULL,
    name text NOT NULL,
    sha256 bytea NOT NULL,
    applied_at timestamp with time zone NOT NULL
);


--
-- Name: sealed_run; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sealed_run (
    participant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    study_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    writer_id uuid NOT NULL,
    boot_id uuid NOT NULL,
    clock_id integer NOT NULL,
    stream_version integer NOT NULL,
    key_name bytea NOT NULL,
    first_number bigint NOT NULL,
    last_number bigint NOT NULL,
    chunks integer NOT NULL,
    samples bigint NOT NULL,
    covered_ns bigint NOT NULL,
    t_min_ns bigint NOT NULL,
    t_max_ns bigint NOT NULL,
    cell_bits smallint NOT NULL,
    levels smallint NOT NULL,
    tile_bytes bigint NOT NULL,
    closed boolean NOT NULL,
    dense boolean NOT NULL,
    sealed_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.sealed_run FORCE ROW LEVEL SECURITY;


--
-- Name: sealing_claim; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sealing_claim (
    participant_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    study_id uuid NOT NULL,
    fence bigint NOT NULL,
    lease_until timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.sealing_claim FORCE ROW LEVEL SECURITY;


--
-- Name: sealing_fault; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sealing_fault (
    participant_id uuid NOT NULL,
    segment_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    study_id uuid NOT NULL,
    problem text NOT NULL,
    attempts integer NOT NULL,
    noted_at timestamp with time zone NOT NULL,
    retry_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.sealing_fault FORCE ROW LEVEL SECURITY;


--
-- Name: segment; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.segment (
    participant_id uuid NOT NULL,
    segment_id uuid NOT NULL,
    study_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    sealed boolean NOT NULL,
    payload bytea NOT NULL,
    tiles bytea,
    key_name bytea GENERATED ALWAYS AS (SUBSTRING(payload FROM 3 FOR 8)) STORED NOT NULL,
    stored_bytes integer GENERATED ALWAYS AS ((octet_length(payload) + COALESCE(octet_length(tiles), 0))) STORED NOT NULL,
    run_id uuid
)
PARTITION BY RANGE (segment_id);
ALTER TABLE ONLY public.segment ALTER COLUMN payload SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.segment ALTER COLUMN tiles SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.segment FORCE ROW LEVEL SECURITY;


--
-- Name: segment_default; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.segment_default (
    participant_id uuid NOT NULL,
    segment_id uuid NOT NULL,
    study_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    sealed boolean NOT NULL,
    payload bytea NOT NULL,
    tiles bytea,
    key_name bytea GENERATED ALWAYS AS (SUBSTRING(payload FROM 3 FOR 8)) STORED NOT NULL,
    stored_bytes integer GENERATED ALWAYS AS ((octet_length(payload) + COALESCE(octet_length(tiles), 0))) STORED NOT NULL,
    run_id uuid
);
ALTER TABLE ONLY public.segment_default ALTER COLUMN payload SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.segment_default ALTER COLUMN tiles SET STORAGE EXTERNAL;


--
-- Name: stream; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.stream (
    participant_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    study_id uuid NOT NULL,
    device_id uuid NOT NULL,
    name text NOT NULL
);

ALTER TABLE ONLY public.stream FORCE ROW LEVEL SECURITY;


--
-- Name: stream_state; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.stream_state (
    participant_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    writer_id uuid NOT NULL,
    study_id uuid NOT NULL,
    device_id uuid NOT NULL,
    stored int8multirange DEFAULT '{}'::int8multirange NOT NULL,
    quarantined int8multirange DEFAULT '{}'::int8multirange NOT NULL,
    abandoned int8multirange DEFAULT '{}'::int8multirange NOT NULL,
    revision bigint DEFAULT 0 NOT NULL,
    stored_chunks bigint DEFAULT 0 NOT NULL,
    duplicate_chunks bigint DEFAULT 0 NOT NULL,
    last_receipt_at timestamp with time zone NOT NULL,
    newest_device_ns bigint,
    newest_boot_id uuid,
    newest_clock_id integer,
    refused int8multirange DEFAULT '{}'::int8multirange NOT NULL
);

ALTER TABLE ONLY public.stream_state FORCE ROW LEVEL SECURITY;


--
-- Name: stream_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.stream_version (
    participant_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    version integer NOT NULL,
    study_id uuid NOT NULL,
    declaration bytea NOT NULL,
    declared_at timestamp with time zone NOT NULL,
    CONSTRAINT stream_version_version_check CHECK ((version >= 1))
);

ALTER TABLE ONLY public.stream_version FORCE ROW LEVEL SECURITY;


--
-- Name: study; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.study (
    study_id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    plan bytea
);


--
-- Name: study_grant; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.study_grant (
    study_id uuid NOT NULL,
    principal_id uuid NOT NULL,
    role smallint NOT NULL,
    data_kinds integer NOT NULL,
    granted_by uuid NOT NULL,
    granted_at timestamp with time zone NOT NULL,
    CONSTRAINT study_grant_data_kinds_check CHECK (((data_kinds >= 0) AND (data_kinds <= 127))),
    CONSTRAINT study_grant_role_check CHECK (((role >= 1) AND (role <= 7)))
);


--
-- Name: tile; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tile (
    participant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    level smallint NOT NULL,
    study_id uuid NOT NULL,
    payload bytea NOT NULL
);
ALTER TABLE ONLY public.tile ALTER COLUMN payload SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.tile FORCE ROW LEVEL SECURITY;


--
-- Name: used_challenge; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.used_challenge (
    nonce bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL
);


--
-- Name: segment_default; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.segment ATTACH PARTITION public.segment_default DEFAULT;


--
-- Name: audit audit_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (subject, seq);


--
-- Name: audit_root audit_root_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_root
    ADD CONSTRAINT audit_root_pkey PRIMARY KEY (study_id, number);


--
-- Name: chunk chunk_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.chunk
    ADD CONSTRAINT chunk_pkey PRIMARY KEY (participant_id, stream_id, writer_id, number);


--
-- Name: clock_pair clock_pair_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.clock_pair
    ADD CONSTRAINT clock_pair_pkey PRIMARY KEY (participant_id, stream_id, writer_id, number, entry);


--
-- Name: consent consent_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.consent
    ADD CONSTRAINT consent_pkey PRIMARY KEY (participant_id, data_kind, version);


--
-- Name: credential credential_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_pkey PRIMARY KEY (public_id);


--
-- Name: device_key device_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.device_key
    ADD CONSTRAINT device_key_pkey PRIMARY KEY (device_id, public_key);


--
-- Name: device device_name_is_taken; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_name_is_taken UNIQUE (participant_id, name);


--
-- Name: device device_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_pkey PRIMARY KEY (participant_id, device_id);


--
-- Name: epoch epoch_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.epoch
    ADD CONSTRAINT epoch_pkey PRIMARY KEY (participant_id, device_id, boot_id, clock_id, ordinal);


--
-- Name: epoch_start epoch_start_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.epoch_start
    ADD CONSTRAINT epoch_start_pkey PRIMARY KEY (participant_id, device_id, boot_id, clock_id, ordinal, stream_id, writer_id);


--
-- Name: erased_key erased_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.erased_key
    ADD CONSTRAINT erased_key_pkey PRIMARY KEY (participant_id, erasure_id, stream_id, key_name);


--
-- Name: erased_range erased_range_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.erased_range
    ADD CONSTRAINT erased_range_pkey PRIMARY KEY (participant_id, erasure_id, stream_id);


--
-- Name: erasure erasure_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.erasure
    ADD CONSTRAINT erasure_pkey PRIMARY KEY (erasure_id);


--
-- Name: job job_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (job_id);


--
-- Name: key_store_mark key_store_mark_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_store_mark
    ADD CONSTRAINT key_store_mark_pkey PRIMARY KEY (only_row);


--
-- Name: participant_directory participant_code_is_taken; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.participant_directory
    ADD CONSTRAINT participant_code_is_taken PRIMARY KEY (study_id, code);


--
-- Name: participant_directory participant_directory_participant_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.participant_directory
    ADD CONSTRAINT participant_directory_participant_key UNIQUE (participant_id);


--
-- Name: participant participant_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.participant
    ADD CONSTRAINT participant_pkey PRIMARY KEY (participant_id);


--
-- Name: principal principal_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.principal
    ADD CONSTRAINT principal_pkey PRIMARY KEY (principal_id);


--
-- Name: probe probe_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.probe
    ADD CONSTRAINT probe_pkey PRIMARY KEY (participant_id, stream_id, writer_id, number, entry);


--
-- Name: quarantine quarantine_body_is_known; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT quarantine_body_is_known UNIQUE (participant_id, device_id, sha256);


--
-- Name: quarantine quarantine_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (participant_id, quarantine_id);


--
-- Name: quarantine_usage quarantine_usage_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.quarantine_usage
    ADD CONSTRAINT quarantine_usage_pkey PRIMARY KEY (participant_id, device_id);


--
-- Name: receipt_key receipt_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.receipt_key
    ADD CONSTRAINT receipt_key_pkey PRIMARY KEY (key_id);


--
-- Name: request_memory request_memory_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.request_memory
    ADD CONSTRAINT request_memory_pkey PRIMARY KEY (principal_id, request_id);


--
-- Name: restore_mark restore_mark_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.restore_mark
    ADD CONSTRAINT restore_mark_pkey PRIMARY KEY (only_row);


--
-- Name: scale_map scale_map_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.scale_map
    ADD CONSTRAINT scale_map_pkey PRIMARY KEY (relname);


--
-- Name: schema_migration schema_migration_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (version);


--
-- Name: sealed_run sealed_run_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sealed_run
    ADD CONSTRAINT sealed_run_pkey PRIMARY KEY (participant_id, run_id);


--
-- Name: sealing_claim sealing_claim_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sealing_claim
    ADD CONSTRAINT sealing_claim_pkey PRIMARY KEY (participant_id, stream_id);


--
-- Name: sealing_fault sealing_fault_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sealing_fault
    ADD CONSTRAINT sealing_fault_pkey PRIMARY KEY (participant_id, segment_id);


--
-- Name: segment segment_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.segment
    ADD CONSTRAINT segment_pkey PRIMARY KEY (participant_id, segment_id);


--
-- Name: segment_default segment_default_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.segment_default
    ADD CONSTRAINT segment_default_pkey PRIMARY KEY (participant_id, segment_id);


--
-- Name: stream stream_name_is_taken; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stream
    ADD CONSTRAINT stream_name_is_taken UNIQUE (participant_id, device_id, name);


--
-- Name: stream stream_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stream
    ADD CONSTRAINT stream_pkey PRIMARY KEY (participant_id, stream_id);


--
-- Name: stream_state stream_state_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stream_state
    ADD CONSTRAINT stream_state_pkey PRIMARY KEY (participant_id, stream_id, writer_id);


--
-- Name: stream_version stream_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stream_version
    ADD CONSTRAINT stream_version_pkey PRIMARY KEY (participant_id, stream_id, version);


--
-- Name: study_grant study_grant_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.study_grant
    ADD CONSTRAINT study_grant_pkey PRIMARY KEY (study_id, principal_id, role);


--
-- Name: study study_name_is_taken; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.study
    ADD CONSTRAINT study_name_is_taken UNIQUE (name);


--
-- Name: study study_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.study
    ADD CONSTRAINT study_pkey PRIMARY KEY (study_id);


--
-- Name: tile tile_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tile
    ADD CONSTRAINT tile_pkey PRIMARY KEY (participant_id, run_id, level);


--
-- Name: used_challenge used_challenge_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.used_challenge
    ADD CONSTRAINT used_challenge_pkey PRIMARY KEY (nonce);


--
-- Name: audit_by_study; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_by_study ON public.audit USING btree (study_id, subject, seq);


--
-- Name: audit_root_by_day; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_root_by_day ON public.audit_root USING btree (study_id, utc_day);


--
-- Name: chunk_by_segment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chunk_by_segment ON public.chunk USING btree (participant_id, segment_id);


--
-- Name: chunk_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chunk_by_time ON public.chunk USING btree (participant_id, stream_id, boot_id, clock_id, t_min_ns);


--
-- Name: chunk_erased; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX chunk_erased ON public.chunk USING btree (participant_id, stream_id) WHERE (flags >= 4);


--
-- Name: clock_pair_by_clock; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX clock_pair_by_clock ON public.clock_pair USING btree (participant_id, device_id, boot_id, clock_id, sensor_ns);


--
-- Name: credential_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX credential_by_expiry ON public.credential USING btree (expires_at) WHERE (expires_at IS NOT NULL);


--
-- Name: credential_by_principal; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX credential_by_principal ON public.credential USING btree (principal_id);


--
-- Name: erasure_by_study; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX erasure_by_study ON public.erasure USING btree (study_id, erasure_id);


--
-- Name: job_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX job_open ON public.job USING btree (kind, available_at) WHERE (state = 1);


--
-- Name: principal_by_participant; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX principal_by_participant ON public.principal USING btree (participant_id) WHERE (participant_id IS NOT NULL);


--
-- Name: probe_by_boot; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX probe_by_boot ON public.probe USING btree (participant_id, device_id, boot_id, t1_device_ns);


--
-- Name: request_memory_by_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX request_memory_by_age ON public.request_memory USING btree (created_at);


--
-- Name: sealed_run_by_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sealed_run_by_time ON public.sealed_run USING btree (participant_id, stream_id, boot_id, clock_id, t_min_ns);


--
-- Name: sealed_run_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sealed_run_open ON public.sealed_run USING btree (participant_id, stream_id) WHERE (NOT closed);


--
-- Name: sealed_run_quick; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sealed_run_quick ON public.sealed_run USING btree (study_id, participant_id, stream_id) WHERE (NOT dense);


--
-- Name: segment_by_key; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX segment_by_key ON ONLY public.segment USING btree (participant_id, stream_id, key_name) INCLUDE (stored_bytes, study_id);


--
-- Name: segment_by_run; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX segment_by_run ON ONLY public.segment USING btree (participant_id, run_id) WHERE (run_id IS NOT NULL);


--
-- Name: segment_default_participant_id_run_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX segment_default_participant_id_run_id_idx ON public.segment_default USING btree (participant_id, run_id) WHERE (run_id IS NOT NULL);


--
-- Name: segment_default_participant_id_stream_id_key_name_stored_by_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX segment_default_participant_id_stream_id_key_name_stored_by_idx ON public.segment_default USING btree (participant_id, stream_id, key_name) INCLUDE (stored_bytes, study_id);


--
-- Name: segment_live; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX segment_live ON ONLY public.segment USING btree (study_id, participant_id, stream_id, segment_id) INCLUDE (stored_bytes) WHERE (NOT sealed);


--
-- Name: segment_default_study_id_participant_id_stream_id_segment_i_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX segment_default_study_id_participant_id_stream_id_segment_i_idx ON public.segment_default USING btree (study_id, participant_id, stream_id, segment_id) INCLUDE (stored_bytes) WHERE (NOT sealed);


--
-- Name: study_grant_by_principal; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX study_grant_by_principal ON public.study_grant USING btree (principal_id);


--
-- Name: used_challenge_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX used_challenge_by_expiry ON public.used_challenge USING btree (expires_at);


--
-- Name: segment_default_participant_id_run_id_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.segment_by_run ATTACH PARTITION public.segment_default_participant_id_run_id_idx;


--
-- Name: segment_default_participant_id_stream_id_key_name_stored_by_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.segment_by_key ATTACH PARTITION public.segment_default_participant_id_stream_id_key_name_stored_by_idx;


--
-- Name: segment_default_pkey; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.segment_pkey ATTACH PARTITION public.segment_default_pkey;


--
-- Name: segment_default_study_id_participant_id_stream_id_segment_i_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.segment_live ATTACH PARTITION public.segment_default_study_id_participant_id_stream_id_segment_i_idx;


--
-- Name: consent consent_participant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.consent
    ADD CONSTRAINT consent_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participant(participant_id) ON DELETE CASCADE;


--
-- Name: device device_participant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participant(participant_id) ON DELETE CASCADE;


--
-- Name: epoch_start epoch_start_participant_id_device_id_boot_id_clock_id_ordi_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.epoch_start
    ADD CONSTRAINT epoch_start_participant_id_device_id_boot_id_clock_id_ordi_fkey FOREIGN KEY (participant_id, device_id, boot_id, clock_id, ordinal) REFERENCES public.epoch(participant_id, device_id, boot_id, clock_id, ordinal) ON DELETE CASCADE;


--
-- Name: participant participant_study_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.participant
    ADD CONSTRAINT participant_study_id_fkey FOREIGN KEY (study_id) REFERENCES public.study(study_id);


--
-- Name: stream stream_participant_id_device_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stream
    ADD CONSTRAINT stream_participant_id_device_id_fkey FOREIGN KEY (participant_id, device_id) REFERENCES public.device(participant_id, device_id) ON DELETE CASCADE;


--
-- Name: stream stream_participant_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stream
    ADD CONSTRAINT stream_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participant(participant_id) ON DELETE CASCADE;


--
-- Name: stream_version stream_version_participant_id_stream_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stream_version
    ADD CONSTRAINT stream_version_participant_id_stream_id_fkey FOREIGN KEY (participant_id, stream_id) REFERENCES public.stream(participant_id, stream_id) ON DELETE CASCADE;


--
-- Name: audit; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.audit ENABLE ROW LEVEL SECURITY;

--
-- Name: chunk; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.chunk ENABLE ROW LEVEL SECURITY;

--
-- Name: clock_pair; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.clock_pair ENABLE ROW LEVEL SECURITY;

--
-- Name: consent; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.consent ENABLE ROW LEVEL SECURITY;

--
-- Name: device; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.device ENABLE ROW LEVEL SECURITY;

--
-- Name: epoch; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.epoch ENABLE ROW LEVEL SECURITY;

--
-- Name: epoch_start; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.epoch_start ENABLE ROW LEVEL SECURITY;

--
-- Name: erased_key; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.erased_key ENABLE ROW LEVEL SECURITY;

--
-- Name: erased_range; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.erased_range ENABLE ROW LEVEL SECURITY;

--
-- Name: audit in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.audit USING (((strpos(current_setting('app.participant_ids'::text, true), (subject)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: chunk in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.chunk USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: clock_pair in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.clock_pair USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: consent in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.consent USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: device in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.device USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: epoch in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.epoch USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: epoch_start in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.epoch_start USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: erased_key in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.erased_key USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: erased_range in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.erased_range USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: participant in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.participant USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: probe in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.probe USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: quarantine in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.quarantine USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: quarantine_usage in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.quarantine_usage USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: sealed_run in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.sealed_run USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: sealing_claim in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.sealing_claim USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: sealing_fault in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.sealing_fault USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: segment in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.segment USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: stream in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.stream USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: stream_state in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.stream_state USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: stream_version in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.stream_version USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: tile in_scope; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY in_scope ON public.tile USING (((strpos(current_setting('app.participant_ids'::text, true), (participant_id)::text) > 0) OR (strpos(current_setting('app.study_ids'::text, true), (study_id)::text) > 0)));


--
-- Name: participant; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.participant ENABLE ROW LEVEL SECURITY;

--
-- Name: probe; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.probe ENABLE ROW LEVEL SECURITY;

--
-- Name: quarantine; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.quarantine ENABLE ROW LEVEL SECURITY;

--
-- Name: quarantine_usage; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.quarantine_usage ENABLE ROW LEVEL SECURITY;

--
-- Name: sealed_run; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.sealed_run ENABLE ROW LEVEL SECURITY;

--
-- Name: sealing_claim; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.sealing_claim ENABLE ROW LEVEL SECURITY;

--
-- Name: sealing_fault; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.sealing_fault ENABLE ROW LEVEL SECURITY;

--
-- Name: segment; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.segment ENABLE ROW LEVEL SECURITY;

--
-- Name: stream; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.stream ENABLE ROW LEVEL SECURITY;

--
-- Name: stream_state; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.stream_state ENABLE ROW LEVEL SECURITY;

--
-- Name: stream_version; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.stream_version ENABLE ROW LEVEL SECURITY;

--
-- Name: tile; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.tile ENABLE ROW LEVEL SECURITY;

--
-- Name: FUNCTION tm_count_rows_of(participant uuid); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.tm_count_rows_of(participant uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.tm_count_rows_of(participant uuid) TO tm_app;


--
-- Name: FUNCTION tm_ensure_segment_partitions(months_ahead integer); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.tm_ensure_segment_partitions(months_ahead integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.tm_ensure_segment_partitions(months_ahead integer) TO tm_app;
GRANT ALL ON FUNCTION public.tm_ensure_segment_partitions(months_ahead integer) TO tm_ingest;


--
-- Name: FUNCTION tm_erase_rows(erased uuid, rows_max integer); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.tm_erase_rows(erased uuid, rows_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.tm_erase_rows(erased uuid, rows_max integer) TO tm_app;


--
-- Name: TABLE audit; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.audit TO tm_app;


--
-- Name: TABLE audit_root; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.audit_root TO tm_app;


--
-- Name: TABLE chunk; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,DELETE ON TABLE public.chunk TO tm_app;
GRANT SELECT,INSERT ON TABLE public.chunk TO tm_ingest;
GRANT SELECT ON TABLE public.chunk TO tm_read;


--
-- Name: COLUMN chunk.flags; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(flags) ON TABLE public.chunk TO tm_app;


--
-- Name: COLUMN chunk.segment_id; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(segment_id) ON TABLE public.chunk TO tm_app;


--
-- Name: COLUMN chunk.segment_slot; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(segment_slot) ON TABLE public.chunk TO tm_app;


--
-- Name: TABLE clock_pair; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,DELETE ON TABLE public.clock_pair TO tm_app;
GRANT SELECT,INSERT ON TABLE public.clock_pair TO tm_ingest;
GRANT SELECT ON TABLE public.clock_pair TO tm_read;


--
-- Name: TABLE consent; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.consent TO tm_app;
GRANT SELECT ON TABLE public.consent TO tm_ingest;
GRANT SELECT ON TABLE public.consent TO tm_read;


--
-- Name: TABLE credential; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.credential TO tm_app;


--
-- Name: TABLE device; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.device TO tm_app;
GRANT SELECT ON TABLE public.device TO tm_ingest;
GRANT SELECT ON TABLE public.device TO tm_read;


--
-- Name: TABLE device_key; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.device_key TO tm_app;


--
-- Name: TABLE epoch; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,DELETE ON TABLE public.epoch TO tm_app;
GRANT SELECT,INSERT ON TABLE public.epoch TO tm_ingest;
GRANT SELECT ON TABLE public.epoch TO tm_read;


--
-- Name: TABLE epoch_start; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,DELETE ON TABLE public.epoch_start TO tm_app;
GRANT SELECT ON TABLE public.epoch_start TO tm_read;


--
-- Name: TABLE erased_key; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.erased_key TO tm_app;


--
-- Name: TABLE erased_range; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE public.erased_range TO tm_app;
GRANT SELECT ON TABLE public.erased_range TO tm_ingest;
GRANT SELECT ON TABLE public.erased_range TO tm_read;


--
-- Name: TABLE erasure; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.erasure TO tm_app;


--
-- Name: TABLE job; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job TO tm_app;


--
-- Name: TABLE key_store_mark; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.key_store_mark TO tm_app;
GRANT SELECT ON TABLE public.key_store_mark TO tm_ingest;


--
-- Name: TABLE participant; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.participant TO tm_app;
GRANT SELECT ON TABLE public.participant TO tm_ingest;
GRANT SELECT ON TABLE public.participant TO tm_read;


--
-- Name: TABLE participant_directory; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.participant_directory TO tm_app;


--
-- Name: TABLE principal; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.principal TO tm_app;
GRANT SELECT ON TABLE public.principal TO tm_ingest;


--
-- Name: TABLE probe; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,DELETE ON TABLE public.probe TO tm_app;
GRANT SELECT,INSERT ON TABLE public.probe TO tm_ingest;
GRANT SELECT ON TABLE public.probe TO tm_read;


--
-- Name: TABLE quarantine; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quarantine TO tm_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.quarantine TO tm_ingest;
GRANT SELECT ON TABLE public.quarantine TO tm_read;


--
-- Name: TABLE quarantine_usage; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quarantine_usage TO tm_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.quarantine_usage TO tm_ingest;


--
-- Name: TABLE receipt_key; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.receipt_key TO tm_app;
GRANT SELECT ON TABLE public.receipt_key TO tm_ingest;


--
-- Name: COLUMN receipt_key.valid_until; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(valid_until) ON TABLE public.receipt_key TO tm_app;


--
-- Name: TABLE request_memory; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.request_memory TO tm_app;


--
-- Name: TABLE restore_mark; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,UPDATE ON TABLE public.restore_mark TO tm_app;
GRANT SELECT ON TABLE public.restore_mark TO tm_ingest;


--
-- Name: TABLE scale_map; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.scale_map TO tm_ingest;
GRANT SELECT ON TABLE public.scale_map TO tm_app;
GRANT SELECT ON TABLE public.scale_map TO tm_read;


--
-- Name: TABLE schema_migration; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.schema_migration TO PUBLIC;
GRANT SELECT ON TABLE public.schema_migration TO tm_ingest;
GRANT SELECT ON TABLE public.schema_migration TO tm_app;
GRANT SELECT ON TABLE public.schema_migration TO tm_read;


--
-- Name: TABLE sealed_run; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sealed_run TO tm_app;
GRANT SELECT ON TABLE public.sealed_run TO tm_read;


--
-- Name: TABLE sealing_claim; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sealing_claim TO tm_app;


--
-- Name: TABLE sealing_fault; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sealing_fault TO tm_app;


--
-- Name: TABLE segment; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE ON TABLE public.segment TO tm_app;
GRANT SELECT,INSERT ON TABLE public.segment TO tm_ingest;
GRANT SELECT ON TABLE public.segment TO tm_read;


--
-- Name: COLUMN segment.sealed; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(sealed) ON TABLE public.segment TO tm_app;


--
-- Name: COLUMN segment.payload; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(payload) ON TABLE public.segment TO tm_app;


--
-- Name: COLUMN segment.tiles; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(tiles) ON TABLE public.segment TO tm_app;


--
-- Name: COLUMN segment.run_id; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(run_id) ON TABLE public.segment TO tm_app;


--
-- Name: TABLE stream; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.stream TO tm_app;
GRANT SELECT ON TABLE public.stream TO tm_ingest;
GRANT SELECT ON TABLE public.stream TO tm_read;


--
-- Name: TABLE stream_state; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.stream_state TO tm_app;
GRANT SELECT,INSERT,UPDATE ON TABLE public.stream_state TO tm_ingest;
GRANT SELECT ON TABLE public.stream_state TO tm_read;


--
-- Name: TABLE stream_version; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,UPDATE ON TABLE public.stream_version TO tm_app;
GRANT SELECT ON TABLE public.stream_version TO tm_ingest;
GRANT SELECT ON TABLE public.stream_version TO tm_read;


--
-- Name: TABLE study; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT ON TABLE public.study TO tm_app;
GRANT SELECT ON TABLE public.study TO tm_ingest;
GRANT SELECT ON TABLE public.study TO tm_read;


--
-- Name: COLUMN study.plan; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(plan) ON TABLE public.study TO tm_app;


--
-- Name: TABLE study_grant; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.study_grant TO tm_app;


--
-- Name: TABLE tile; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tile TO tm_app;
GRANT SELECT ON TABLE public.tile TO tm_read;


--
-- Name: TABLE used_challenge; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.used_challenge TO tm_app;


--
-- PostgreSQL database dump complete
--


