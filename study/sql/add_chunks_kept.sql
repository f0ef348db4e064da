-- add_chunks_kept: counts chunks that were sealed anew because of a key.
-- scope: one participant ($1)
update erased_key
   set chunks_kept = chunks_kept + $5::bigint
 where participant_id = $1::uuid and erasure_id = $2::uuid and stream_id = $3::uuid
   and key_name = $4::bytea
