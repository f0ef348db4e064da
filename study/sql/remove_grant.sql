-- remove_grant: takes a role away.
-- scope: local
delete from study_grant
 where study_id = $1::uuid
   and principal_id = $2::uuid
   and role = $3::smallint
