-- list_studies_of_person: where an active person ($1) has roles, and whether somebody else ($2) is an
-- admin there.
-- scope: local
select g.study_id,
       exists (select from study_grant a
                where a.study_id = g.study_id and a.principal_id = $2::uuid and a.role = 4)
         as asker_is_admin
  from study_grant g
  join principal p on p.principal_id = g.principal_id
 where g.principal_id = $1::uuid and p.kind = 4 and p.state = 2
 group by g.study_id
 order by g.study_id
