-- remove_grants: takes every role of a principal away.
-- scope: local
delete from study_grant
 where principal_id = $1::uuid
returning study_id, role
