-- insert_chunks: the rows of all chunks of a batch, from columns of equal length. They are unnested
-- side by side in the select list: one function in FROM would keep each column in a store of its
-- own, which costs a lone chunk more than its row.
-- scope: the participants of the batch
insert into chunk
  (participant_id, stream_id, writer_id, number, study_id, device_id, sha256, stream_version, kind,
   boot_id, clock_id, first_counter, sample_count, body_bytes, flags, outlier_stamps, t_min_ns,
   t_max_ns, segment_id, segment_slot, arrived_at)
select unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::int8[]),
       unnest($5::uuid[]), unnest($6::uuid[]), unnest($7::bytea[]), unnest($8::int4[]),
       unnest($9::int2[]), unnest($10::uuid[]), unnest($11::int4[]), unnest($12::int8[]),
       unnest($13::int4[]), unnest($14::int4[]), unnest($15::int4[]), unnest($16::int4[]),
       unnest($17::int8[]), unnest($18::int8[]), unnest($19::uuid[]), unnest($20::int2[]),
       $21::timestamptz
