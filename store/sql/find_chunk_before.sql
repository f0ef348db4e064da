-- find_chunk_before: of the chunks that end in [$6, $7) of device time the one that ends last.
-- A chunk spans at most an hour: $5 is $6 less that hour.
-- scope: one participant ($1)
select writer_id, number, study_id, device_id, sha256, stream_version, kind, boot_id, clock_id,
       first_counter, sample_count, body_bytes, flags, outlier_stamps, t_min_ns, t_max_ns,
       segment_id, segment_slot, arrived_at
  from chunk
 where participant_id = $1::uuid and stream_id = $2::uuid
   and boot_id = $3::uuid and clock_id = $4::integer
   and t_min_ns >= $5::bigint and t_min_ns < $7::bigint
   and t_max_ns >= $6::bigint and t_max_ns < $7::bigint
 order by t_max_ns desc, writer_id, number
 limit 1
