-- release_claim: the stream is free again.
-- scope: one participant ($1)
update sealing_claim
   set lease_until = '-infinity'
 where participant_id = $1::uuid and stream_id = $2::uuid and fence = $3::bigint
