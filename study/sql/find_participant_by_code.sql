-- find_participant_by_code: who has a code in a study.
-- scope: local
select participant_id
  from participant_directory
 where study_id = $1::uuid
   and code = $2::text
