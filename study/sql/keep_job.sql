-- keep_job: the live row of a lease, locked until the transaction ends, for so many milliseconds more.
-- scope: local
update job
   set lease_until = clock_timestamp() + $3::bigint * interval '1 millisecond'
 where job_id = $1::uuid
   and fence = $2::bigint
   and state = 1
