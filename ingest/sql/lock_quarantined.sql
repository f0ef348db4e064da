-- lock_quarantined: locks an entry that still holds its bytes.
-- scope: one participant ($1)
select q.state
  from quarantine q
 where q.participant_id = $1::uuid and q.quarantine_id = $2::uuid and q.state = 1
   for update of q
