-- insert_chunks: the rows of all chunks of a batch.
-- scope: the participants of the batch
insert into chunk
  (participant_id, stream_id, writer_id, number, study_id, device_id, sha256, stream_version, kind,
   boot_id, clock_id, first_counter, sample_count, body_bytes, flags, outlier_stamps, t_min_ns,
   t_max_ns, segment_id, segment_slot, arrived_at)
select u.participant_id, u.stream_id, u.writer_id, u.number, u.study_id, u.device_id, u.sha256,
       u.stream_version, u.kind, u.boot_id, u.clock_id, u.first_counter, u.sample_count,
       u.body_bytes, u.flags, u.outlier_stamps, u.t_min_ns, u.t_max_ns, u.segment_id,
       u.segment_slot, $21::timestamptz
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int8[], $5::uuid[], $6::uuid[], $7::bytea[],
              $8::int4[], $9::int2[], $10::uuid[], $11::int4[], $12::int8[], $13::int4[],
              $14::int4[], $15::int4[], $16::int4[], $17::int8[], $18::int8[], $19::uuid[],
              $20::int2[])
    as u (participant_id, stream_id, writer_id, number, study_id, device_id, sha256,
          stream_version, kind, boot_id, clock_id, first_counter, sample_count, body_bytes, flags,
          outlier_stamps, t_min_ns, t_max_ns, segment_id, segment_slot)
