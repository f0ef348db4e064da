-- keep_claim: the claim under this fence, locked until the transaction ends, for so many milliseconds
-- more; none if it is another worker's.
-- scope: one participant ($1)
update sealing_claim
   set lease_until = clock_timestamp() + $4::bigint * interval '1 millisecond'
 where participant_id = $1::uuid and stream_id = $2::uuid and fence = $3::bigint
