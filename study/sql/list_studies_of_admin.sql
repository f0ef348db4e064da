-- list_studies_of_admin: where somebody is admin.
-- scope: local
select study_id
  from study_grant
 where principal_id = $1::uuid
   and role = 4
 order by study_id
