-- find_request: what a request id was used for and what was answered.
-- scope: local
select method, request_sha256, response
  from request_memory
 where principal_id = $1::uuid
   and request_id = $2::uuid
