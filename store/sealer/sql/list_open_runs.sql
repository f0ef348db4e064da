-- list_open_runs: the runs of a stream to which something may still belong.
-- scope: one participant ($1)
select run_id, writer_id, boot_id, clock_id, stream_version, key_name, first_number, last_number,
       chunks, cell_bits
  from sealed_run
 where participant_id = $1::uuid and stream_id = $2::uuid and not closed
 order by run_id
