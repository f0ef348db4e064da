-- insert_run: what was sealed together.
-- scope: one participant ($1)
insert into sealed_run
  (participant_id, run_id, study_id, stream_id, writer_id, boot_id, clock_id, stream_version,
   key_name, first_number, last_number, chunks, samples, covered_ns, t_min_ns, t_max_ns, cell_bits,
   levels, tile_bytes, closed, dense,
   sealed_at)
values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::uuid, $7::integer, $8::integer,
        $9::bytea, $10::bigint, $11::bigint, $12::integer, $13::bigint, $14::bigint, $15::bigint,
        $16::bigint, $17::smallint, $18::smallint, $19::bigint, $20::boolean, $21::boolean,
        $22::timestamptz)
