-- Which data key seals a segment, and what it weighs, without reading its payload: what can be read
-- and how much is stored are then answered by one index.

-- The name of the key stands in the envelope behind its version and codec (store/envelope.h).
alter table segment
  add column key_name bytea not null generated always as (substring(payload from 3 for 8)) stored,
  add column stored_bytes integer not null
    generated always as (octet_length(payload) + coalesce(octet_length(tiles), 0)) stored;

-- The study stands in it for row-level security alone.
create index segment_by_key on segment (participant_id, stream_id, key_name)
  include (stored_bytes, study_id);
