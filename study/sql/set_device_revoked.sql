-- set_device_revoked: ends a device for good.
-- scope: one participant ($1)
update device
   set state = 3,
       revoked_at = timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
 where participant_id = $1::uuid
   and device_id = $2::uuid
