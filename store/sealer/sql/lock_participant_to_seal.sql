-- lock_participant_to_seal: keeps erasures of a participant out until the transaction ends; no row of
-- one that was erased.
-- scope: one participant ($1)
select 1
  from participant
 where participant_id = $1::uuid and state <> 4
   for no key update
