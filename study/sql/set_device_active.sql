-- set_device_active: the device redeemed its code.
-- scope: one participant ($1)
update device
   set state = 2,
       enrolled_at = timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
 where participant_id = $1::uuid
   and device_id = $2::uuid
