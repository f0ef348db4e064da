-- find_participant: study and state, kept from changing until the transaction ends.
-- scope: one participant ($1)
select study_id, state
  from participant
 where participant_id = $1::uuid
   for share
