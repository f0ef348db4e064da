-- set_attributes: sealed attributes, in place of earlier ones.
-- scope: one participant ($1)
update participant
   set attributes = $2::bytea
 where participant_id = $1::uuid
