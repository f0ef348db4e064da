-- find_erasure: one erasure of a study, with what keeps its job from being done.
-- scope: local
select e.report, coalesce(j.problem, '') as problem
  from erasure e
  left join job j on j.job_id = e.erasure_id
 where e.study_id = $1::uuid
   and e.erasure_id = $2::uuid
