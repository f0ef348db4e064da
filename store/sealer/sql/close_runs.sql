-- close_runs: nothing that arrives can belong to these runs any more.
-- scope: one participant ($1)
update sealed_run
   set closed = true
 where participant_id = $1::uuid and run_id = any ($2::uuid[])
