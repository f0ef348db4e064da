-- find_study_plan: what a study aims at.
-- scope: reference
select plan
  from study
 where study_id = $1::uuid
