-- list_erased_keys: the keys that an erasure has still to destroy.
-- scope: one participant ($1)
select stream_id, key_name
  from erased_key
 where participant_id = $1::uuid and erasure_id = $2::uuid and destroyed_at is null
 order by stream_id, key_name
