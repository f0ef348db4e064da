-- end_device_key: signatures by this key are refused from now on.
-- scope: local
update device_key
   set valid_until = timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
 where device_id = $1::uuid
   and public_key = $2::bytea
