-- insert_clock_pairs: clocks read together, from the records of a batch.
-- scope: the participants of the batch
insert into clock_pair
  (participant_id, stream_id, writer_id, number, entry, study_id, device_id, boot_id, clock_id,
   is_boot_start, sensor_ns, monotonic_ns, wall_ns, utc_offset_s)
select u.participant_id, u.stream_id, u.writer_id, u.number, u.entry, u.study_id, u.device_id,
       u.boot_id, u.clock_id, u.is_boot_start <> 0, u.sensor_ns, u.monotonic_ns, u.wall_ns,
       u.utc_offset_s
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int8[], $5::int4[], $6::uuid[], $7::uuid[],
              $8::uuid[], $9::int4[], $10::int2[], $11::int8[], $12::int8[], $13::int8[],
              $14::int4[])
    as u (participant_id, stream_id, writer_id, number, entry, study_id, device_id, boot_id,
          clock_id, is_boot_start, sensor_ns, monotonic_ns, wall_ns, utc_offset_s)
    on conflict (participant_id, stream_id, writer_id, number, entry) do nothing
