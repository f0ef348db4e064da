-- find_declared_placements: the earliest clock pair of each device, boot and clock; of one device
-- only unless $2 is null. A boot that was cut into epochs has no line of its own.
-- scope: one participant ($1)
select distinct on (p.device_id, p.boot_id, p.clock_id)
       p.device_id, p.boot_id, p.clock_id, p.sensor_ns, p.wall_ns
  from clock_pair p
 where p.participant_id = $1::uuid and ($2::uuid is null or p.device_id = $2::uuid)
   and not exists (
         select from epoch e
          where e.participant_id = $1::uuid and e.device_id = p.device_id
            and e.boot_id = p.boot_id and e.clock_id = p.clock_id and e.ordinal > 0)
 order by p.device_id, p.boot_id, p.clock_id, p.sensor_ns, p.wall_ns
 limit $3::bigint
