-- scan_chunks_by_number: a page of all chunks of a stream, after the row ($3, $4).
-- scope: one participant ($1)
select writer_id, number, study_id, device_id, sha256, stream_version, kind, boot_id, clock_id,
       first_counter, sample_count, body_bytes, flags, outlier_stamps, t_min_ns, t_max_ns,
       segment_id, segment_slot, arrived_at
  from chunk
 where participant_id = $1::uuid and stream_id = $2::uuid
   and (writer_id, number) > ($3::uuid, $4::bigint)
 order by writer_id, number
 limit $5::bigint
