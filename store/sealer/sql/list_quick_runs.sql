-- list_quick_runs: some runs of a study that were packed in a hurry, by stream.
-- scope: one study ($1)
select participant_id, stream_id, run_id, writer_id, boot_id, clock_id, stream_version, key_name,
       cell_bits, closed
  from sealed_run
 where study_id = $1::uuid and not dense
 order by participant_id, stream_id
 limit $2::bigint
