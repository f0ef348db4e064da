-- list_sealed_runs: the runs with tiles that overlap a range of device time. A run spans at most a
-- day: $5 is begin less that day.
-- scope: one participant ($1)
select run_id, writer_id, first_number, last_number, stream_version, samples, covered_ns, t_min_ns,
       t_max_ns, levels
  from sealed_run
 where participant_id = $1::uuid and stream_id = $2::uuid
   and boot_id = $3::uuid and clock_id = $4::integer
   and t_min_ns >= $5::bigint and t_min_ns < $7::bigint and t_max_ns >= $6::bigint
   and levels > 0
 order by t_min_ns, run_id
