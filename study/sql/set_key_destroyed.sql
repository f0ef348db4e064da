-- set_key_destroyed: notes that a key is gone.
-- scope: one participant ($1)
update erased_key
   set destroyed_at = clock_timestamp()
 where participant_id = $1::uuid and erasure_id = $2::uuid and stream_id = $3::uuid
   and key_name = $4::bytea
