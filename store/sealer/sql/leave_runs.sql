-- leave_runs: runs that hold what cannot be read stay as they are.
-- scope: one participant ($1)
update sealed_run
   set closed = true,
       dense = true
 where participant_id = $1::uuid and run_id = any ($2::uuid[])
