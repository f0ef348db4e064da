-- scan_chunks_by_time: a page of the chunks that overlap a range of device time, after the row
-- ($8, $9, $10). A chunk spans at most an hour: $5 is begin less that hour, or where the page
-- before ended.
-- scope: one participant ($1)
select writer_id, number, study_id, device_id, sha256, stream_version, kind, boot_id, clock_id,
       first_counter, sample_count, body_bytes, flags, outlier_stamps, t_min_ns, t_max_ns,
       segment_id, segment_slot, arrived_at
  from chunk
 where participant_id = $1::uuid and stream_id = $2::uuid
   and boot_id = $3::uuid and clock_id = $4::integer
   and t_min_ns >= $5::bigint and t_min_ns < $7::bigint and t_max_ns >= $6::bigint
   and (t_min_ns, writer_id, number) > ($8::bigint, $9::uuid, $10::bigint)
 order by t_min_ns, writer_id, number
 limit $11::bigint
