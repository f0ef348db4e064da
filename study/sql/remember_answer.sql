-- remember_answer: the sealed answer to a request that this transaction claimed.
-- scope: local
update request_memory
   set response = $3::bytea
 where principal_id = $1::uuid
   and request_id = $2::uuid
