-- count_devices: devices of a participant that are enrolled and not revoked.
-- scope: one participant ($1)
select count(*)
  from device
 where participant_id = $1::uuid
   and state = 2
