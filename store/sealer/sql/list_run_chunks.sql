-- list_run_chunks: the chunks of some runs, as of list_live_chunks.
-- scope: one participant ($1)
select c.writer_id, c.number, c.study_id, c.device_id, c.sha256, c.stream_version, c.kind, c.boot_id,
       c.clock_id, c.first_counter, c.sample_count, c.body_bytes, c.flags, c.outlier_stamps,
       c.t_min_ns, c.t_max_ns, c.segment_id, c.segment_slot, c.arrived_at, s.key_name
  from segment s
  join chunk c on c.participant_id = $1::uuid and c.segment_id = s.segment_id
 where s.participant_id = $1::uuid and s.run_id = any ($2::uuid[])
 order by c.number
