-- count_wrong_code: one more wrong secret for a code.
-- scope: local
update credential
   set failed_attempts = failed_attempts + 1
 where public_id = $1::text
