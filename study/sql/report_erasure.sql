-- report_erasure: how an erasure stands that is not done.
-- scope: local
update erasure
   set report = $2::bytea
 where erasure_id = $1::uuid and done_at is null
