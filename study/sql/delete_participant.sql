-- delete_participant: a participant, with all that cascades from it.
-- scope: one participant ($1)
delete from participant
 where participant_id = $1::uuid
