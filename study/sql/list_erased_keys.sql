-- list_erased_keys: the keys that an erasure has still to destroy, and what time it is.
-- scope: one participant ($1)
select stream_id, key_name, (extract(epoch from clock_timestamp()) * 1000000)::bigint as now_us
  from erased_key
 where participant_id = $1::uuid and erasure_id = $2::uuid and destroyed_at is null
 order by stream_id, key_name
