-- lease_job: the free job of a kind that has waited longest, for so many milliseconds.
-- scope: local
update job
   set lease_until = clock_timestamp() + $2::bigint * interval '1 millisecond',
       attempt = attempt + 1,
       fence = fence + 1
 where job_id = (select job_id
                   from job
                  where kind = $1::smallint
                    and state = 1
                    and available_at <= clock_timestamp()
                    and (lease_until is null or lease_until < clock_timestamp())
                  order by available_at, job_id
                  limit 1
                    for update skip locked)
returning job_id, payload, attempt, fence
