-- find_participant_study: the study that a participant belongs to.
-- scope: local
select study_id
  from participant_directory
 where participant_id = $1::uuid
