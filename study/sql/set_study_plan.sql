-- set_study_plan: what a study aims at, in place of an earlier plan.
-- scope: reference
update study
   set plan = $2::bytea
 where study_id = $1::uuid
