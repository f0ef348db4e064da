-- set_job_payload: what a worker that leases the job next is told, by the one that has it.
-- scope: local
update job
   set payload = $3::bytea
 where job_id = $1::uuid
   and fence = $2::bigint
