-- summarize_range: how many samples the chunks hold that overlap a range of device time and were
-- not erased, and how much time they cover. A chunk spans at most an hour: $5 is begin less that hour.
-- scope: one participant ($1)
select coalesce(sum(sample_count), 0)::bigint,
       coalesce(sum(t_max_ns - t_min_ns), 0)::double precision
  from chunk
 where participant_id = $1::uuid and stream_id = $2::uuid
   and boot_id = $3::uuid and clock_id = $4::integer
   and t_min_ns >= $5::bigint and t_min_ns < $7::bigint and t_max_ns >= $6::bigint
   and flags & 4 = 0
