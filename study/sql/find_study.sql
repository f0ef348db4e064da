-- find_study: whether a study exists.
-- scope: reference
select study_id
  from study
 where study_id = $1::uuid
