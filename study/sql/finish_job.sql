-- finish_job: done, for good.
-- scope: local
update job
   set state = 2,
       finished_at = clock_timestamp(),
       lease_until = null,
       problem = ''
 where job_id = $1::uuid
   and fence = $2::bigint
