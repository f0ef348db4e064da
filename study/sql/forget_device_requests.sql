-- forget_device_requests: answers remembered for the devices of a participant.
-- scope: local
delete from request_memory m
 using principal p
 where p.principal_id = m.principal_id
   and p.participant_id = $1::uuid
