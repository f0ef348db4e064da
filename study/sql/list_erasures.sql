-- list_erasures: a page of the erasures of a study, oldest first.
-- scope: local
select e.report, coalesce(j.problem, '') as problem
  from erasure e
  left join job j on j.job_id = e.erasure_id
 where e.study_id = $1::uuid
   and e.erasure_id > $2::uuid
 order by e.erasure_id
 limit $3::integer
