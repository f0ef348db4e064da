-- lock_participant: a participant, kept from changing until the transaction ends.
-- scope: one participant ($1)
select participant_id, study_id, code, state, attributes,
       (extract(epoch from created_at) * 1000000)::bigint as created_at_us,
       (extract(epoch from state_since) * 1000000)::bigint as state_since_us
  from participant
 where participant_id = $1::uuid
   for update
