-- find_stream: whose a stream is.
-- scope: one participant ($1)
select device_id, name
  from stream
 where participant_id = $1::uuid
   and stream_id = $2::uuid
