-- beat_restore_mark: raises the heartbeat of a database that is not behind the mark ($1, $2).
-- scope: local
update restore_mark
   set heartbeat = heartbeat + 1
 where generation > $1::bigint or (generation = $1::bigint and heartbeat >= $2::bigint)
returning generation, heartbeat
