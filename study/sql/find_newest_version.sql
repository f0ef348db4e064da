-- find_newest_version: the newest version of a stream.
-- scope: one participant ($1)
select version, declaration
  from stream_version
 where participant_id = $1::uuid
   and stream_id = $2::uuid
 order by version desc
 limit 1
