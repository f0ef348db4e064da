-- count_range_chunks: how many chunks of a stream lie in some ranges of device time and are not yet
-- marked as erased; counting ends at $8. A chunk spans at most an hour: $5 is begin less that hour.
-- Clock records stay: they say where the rest stands in time.
-- scope: one participant ($1)
select count(*)
  from (select 1
          from unnest($3::uuid[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[])
               as r (boot_id, clock_id, scan_from_ns, begin_ns, end_ns)
          join chunk c
            on c.participant_id = $1::uuid and c.stream_id = $2::uuid
               and c.boot_id = r.boot_id and c.clock_id = r.clock_id
               and c.t_min_ns >= r.scan_from_ns and c.t_min_ns < r.end_ns
               and c.t_max_ns >= r.begin_ns
         where c.kind <> 3 and c.flags & 4 = 0
         limit $8::bigint) as found
