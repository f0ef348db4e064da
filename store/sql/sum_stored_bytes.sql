-- sum_stored_bytes: bytes at rest of each stream. The lengths are read without the values.
-- scope: one participant ($1)
select stream_id,
       sum(octet_length(payload)::bigint + coalesce(octet_length(tiles), 0))::bigint
  from segment
 where participant_id = $1::uuid
 group by stream_id
