-- list_held_by_key: bodies held in quarantine after $4 that name a stream ($2) and whose envelope
-- names a key like $3: the stream's own, or the one of quarantine of the same day.
-- scope: one participant ($1)
select quarantine_id, body
  from quarantine
 where participant_id = $1::uuid and stream_id = $2::uuid and state = 1
   and substring(body from 3 for 8) = $3::bytea
   and quarantine_id > $4::uuid
 order by quarantine_id
 limit $5::integer
