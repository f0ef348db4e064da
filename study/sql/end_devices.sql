-- end_devices: the devices of an erased participant lose their names and may only be told to delete
-- their copies; one that was revoked stays revoked.
-- scope: local
update principal
   set display_name = '',
       state = case when state = 3 then 3 else 4 end
 where participant_id = $1::uuid
   and kind = 1
