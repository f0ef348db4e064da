-- scan_live_chunks: of the chunks that overlap a range of device time those that stand in no run: of
-- live segments, and those that were erased, at most so many. All others are not even looked at: live
-- segments and erased chunks have indexes of their own.
-- scope: one participant ($1)
select writer_id, number, study_id, device_id, sha256, stream_version, kind, boot_id, clock_id,
       first_counter, sample_count, body_bytes, flags, outlier_stamps, t_min_ns, t_max_ns,
       segment_id, segment_slot, arrived_at
  from (select c.*
          from segment s
          join chunk c on c.participant_id = $1::uuid and c.segment_id = s.segment_id
         where s.participant_id = $1::uuid and s.study_id = $8::uuid and s.stream_id = $2::uuid
           and not s.sealed
           and c.stream_id = $2::uuid and c.boot_id = $3::uuid and c.clock_id = $4::integer
           and c.t_min_ns >= $5::bigint and c.t_min_ns < $7::bigint and c.t_max_ns >= $6::bigint
           and c.flags & 4 = 0
         union all
        select c.*
          from chunk c
         where c.participant_id = $1::uuid and c.stream_id = $2::uuid
           and c.boot_id = $3::uuid and c.clock_id = $4::integer
           and c.t_min_ns >= $5::bigint and c.t_min_ns < $7::bigint and c.t_max_ns >= $6::bigint
           and c.flags >= 4 and c.flags & 4 <> 0) c
 order by t_min_ns, writer_id, number
 limit $9::bigint
