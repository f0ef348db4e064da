-- lock_admins: the active admins of a study, kept from changing until the transaction ends.
-- scope: local
select g.principal_id
  from study_grant g
  join principal p on p.principal_id = g.principal_id
 where g.study_id = $1::uuid
   and g.role = 4
   and p.state = 2
 order by g.principal_id
   for update of g
