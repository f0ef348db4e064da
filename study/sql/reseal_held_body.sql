-- reseal_held_body: puts a body that was sealed anew in the place of the old one.
-- scope: one participant ($1)
update quarantine
   set body = $3::bytea
 where participant_id = $1::uuid and quarantine_id = $2::uuid and state = 1
