-- count_jobs: jobs that are open, and for how many seconds the oldest of them is.
-- scope: local
select count(*) as open,
       coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as oldest_s
  from job
 where state = 1
