-- lock_device: one device, kept from changing until the transaction ends.
-- scope: one participant ($1)
select device_id, participant_id, name, state,
       (extract(epoch from created_at) * 1000000)::bigint as created_at_us
  from device
 where participant_id = $1::uuid
   and device_id = $2::uuid
   for update
