-- destroy_data_keys: takes away what a destroyed participant's key has wrapped.
-- scope: local
update data_key
   set wrapped = null, destroyed_at = now()
 where participant_id = $1::uuid and destroyed_at is null
