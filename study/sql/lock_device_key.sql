-- lock_device_key: the key in use of a device, kept from changing until the transaction ends.
-- scope: local
select public_key
  from device_key
 where device_id = $1::uuid
   and valid_until is null
   for update
