-- list_live_chunks: the chunks of the live segments of a stream, by outbox and number, at most so
-- many, with the name of the key that seals them. Faults that are not to be tried again yet ($4: now)
-- are left out.
-- scope: one participant ($1)
select c.writer_id, c.number, c.study_id, c.device_id, c.sha256, c.stream_version, c.kind, c.boot_id,
       c.clock_id, c.first_counter, c.sample_count, c.body_bytes, c.flags, c.outlier_stamps,
       c.t_min_ns, c.t_max_ns, c.segment_id, c.segment_slot, c.arrived_at, s.key_name
  from segment s
  join chunk c on c.participant_id = $1::uuid and c.segment_id = s.segment_id
 where s.study_id = $3::uuid and s.participant_id = $1::uuid and s.stream_id = $2::uuid
   and not s.sealed
   and not exists (
         select from sealing_fault f
          where f.participant_id = $1::uuid and f.segment_id = s.segment_id
            and f.retry_at > $4::timestamptz)
 order by c.writer_id, c.number
 limit $5::bigint
