-- find_stream_version: one version of a stream.
-- scope: one participant ($1)
select declaration, (extract(epoch from declared_at) * 1000000)::bigint as declared_at_us
  from stream_version
 where participant_id = $1::uuid
   and stream_id = $2::uuid
   and version = $3::integer
