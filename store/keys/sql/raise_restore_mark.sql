-- raise_restore_mark: brings the numbers up to those given.
-- scope: local
update key_store
   set restore_generation = greatest(restore_generation, $1::bigint),
       heartbeat = greatest(heartbeat, $2::bigint)
 where restore_generation < $1::bigint or heartbeat < $2::bigint
