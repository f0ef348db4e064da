-- list_segments_of_key: some segments of a stream ($2) that a key seals, but for those of $4, with
-- what they weigh. In no order: it is read from the front of an index that shrinks.
-- scope: one participant ($1)
select segment_id, stored_bytes
  from segment
 where participant_id = $1::uuid and stream_id = $2::uuid and key_name = $3::bytea
   and segment_id <> all ($4::uuid[])
 limit $5::integer
