-- delete_device_credentials: sessions and codes of the devices of a participant.
-- scope: local
delete from credential c
 using principal p
 where p.principal_id = c.principal_id
   and p.participant_id = $1::uuid
   and p.kind = 1
