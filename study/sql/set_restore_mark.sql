-- set_restore_mark: takes note of a restore.
-- scope: local
update restore_mark
   set generation = $1::bigint, heartbeat = $2::bigint
