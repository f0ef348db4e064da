-- find_placements: the earliest clock pair of each of the clocks $2 (device), $3 (boot), $4 (clock)
-- by its place in the lists. A boot that was cut into epochs has no line of its own.
-- scope: one participant ($1)
select w.place, p.sensor_ns, p.wall_ns
  from unnest($2::uuid[], $3::uuid[], $4::integer[]) with ordinality
       as w (device_id, boot_id, clock_id, place)
 cross join lateral (
       select sensor_ns, wall_ns
         from clock_pair
        where participant_id = $1::uuid and device_id = w.device_id
          and boot_id = w.boot_id and clock_id = w.clock_id
        order by sensor_ns, wall_ns
        limit 1) p
 where not exists (
         select from epoch e
          where e.participant_id = $1::uuid and e.device_id = w.device_id
            and e.boot_id = w.boot_id and e.clock_id = w.clock_id and e.ordinal > 0)
 order by w.place
