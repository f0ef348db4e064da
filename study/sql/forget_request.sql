-- forget_request: drops a remembered answer that is too old to be given again.
-- scope: local
delete from request_memory
 where principal_id = $1::uuid
   and request_id = $2::uuid
   and created_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
