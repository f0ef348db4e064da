-- find_staff_of_study: whether an active person has a role in a study.
-- scope: local
select 1
  from study_grant g
  join principal p on p.principal_id = g.principal_id
 where g.study_id = $1::uuid
   and g.principal_id = $2::uuid
   and p.kind = 4
   and p.state = 2
 limit 1
