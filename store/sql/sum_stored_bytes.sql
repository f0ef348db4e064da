-- sum_stored_bytes: bytes at rest of a stream. Answered by the index segment_by_key alone.
-- scope: one participant ($1)
select coalesce(sum(stored_bytes), 0)::bigint
  from segment
 where participant_id = $1::uuid and stream_id = $2::uuid
