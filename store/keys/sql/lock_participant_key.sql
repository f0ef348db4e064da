-- lock_participant_key: a participant's key, which is not destroyed until this transaction ends.
-- scope: local
select wrapped
  from participant_key
 where participant_id = $1::uuid and destroyed_at is null
   for share
