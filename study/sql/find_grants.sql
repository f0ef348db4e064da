-- find_grants: what a principal may do, in every study.
-- scope: local
select study_id, role, data_kinds
  from study_grant
 where principal_id = $1::uuid
