-- wrap_participant_key: exchanges the wrapping of a key that is still what was read.
-- scope: local
update participant_key
   set wrapped = $3::bytea
 where participant_id = $1::uuid and wrapped = $2::bytea
