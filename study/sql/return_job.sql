-- return_job: free again after so many milliseconds, with what was wrong.
-- scope: local
update job
   set lease_until = null,
       problem = $3::text,
       available_at = clock_timestamp() + $4::bigint * interval '1 millisecond'
 where job_id = $1::uuid
   and fence = $2::bigint
   and state = 1
