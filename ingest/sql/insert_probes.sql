-- insert_probes: raw time exchanges, from the records of a batch.
-- scope: the participants of the batch
insert into probe
  (participant_id, stream_id, writer_id, number, entry, study_id, device_id, boot_id, t1_device_ns,
   t2_server_ns, t3_server_ns, t4_device_ns)
select u.participant_id, u.stream_id, u.writer_id, u.number, u.entry, u.study_id, u.device_id,
       u.boot_id, u.t1_device_ns, u.t2_server_ns, u.t3_server_ns, u.t4_device_ns
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int8[], $5::int4[], $6::uuid[], $7::uuid[],
              $8::uuid[], $9::int8[], $10::int8[], $11::int8[], $12::int8[])
    as u (participant_id, stream_id, writer_id, number, entry, study_id, device_id, boot_id,
          t1_device_ns, t2_server_ns, t3_server_ns, t4_device_ns)
    on conflict (participant_id, stream_id, writer_id, number, entry) do nothing
