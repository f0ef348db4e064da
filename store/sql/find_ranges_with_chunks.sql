-- find_ranges_with_chunks: which of many ranges of device time hold a chunk of a stream, by their
-- place in the arrays, from 1. A chunk spans at most an hour: $5 is begin less that hour.
-- scope: one participant ($1)
select r.ordinal
  from unnest($3::uuid[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[])
       with ordinality as r (boot_id, clock_id, scan_from_ns, begin_ns, end_ns, ordinal)
 where exists (
         select from chunk c
          where c.participant_id = $1::uuid and c.stream_id = $2::uuid
            and c.boot_id = r.boot_id and c.clock_id = r.clock_id
            and c.t_min_ns >= r.scan_from_ns and c.t_min_ns < r.end_ns
            and c.t_max_ns >= r.begin_ns)
 order by r.ordinal
