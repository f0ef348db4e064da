-- delete_runs: runs that were merged into another one.
-- scope: one participant ($1)
delete from sealed_run
 where participant_id = $1::uuid and run_id = any ($2::uuid[])
