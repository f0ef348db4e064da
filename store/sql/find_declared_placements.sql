-- find_declared_placements: the earliest clock pair of each device, boot and clock; of one device
-- only unless $2 is null.
-- scope: one participant ($1)
select distinct on (device_id, boot_id, clock_id)
       device_id, boot_id, clock_id, sensor_ns, wall_ns
  from clock_pair
 where participant_id = $1::uuid and ($2::uuid is null or device_id = $2::uuid)
 order by device_id, boot_id, clock_id, sensor_ns, wall_ns
 limit $3::bigint
