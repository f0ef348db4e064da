-- list_devices: a page of a participant's devices, oldest first.
-- scope: one participant ($1)
select device_id, participant_id, name, state,
       (extract(epoch from created_at) * 1000000)::bigint as created_at_us
  from device
 where participant_id = $1::uuid
   and device_id > $2::uuid
 order by device_id
 limit $3::integer
