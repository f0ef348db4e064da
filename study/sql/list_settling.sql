-- list_settling: transactions that settle numbers of chunks at this moment, of those in $1 or, if that
-- is null, of all. Each locks stream_state before it asks for erased ranges, and until its end.
-- scope: local
select l.virtualtransaction
  from pg_locks l
 where l.locktype = 'relation' and l.relation = 'stream_state'::regclass
   and l.database = (select oid from pg_database where datname = current_database())
   and l.mode in ('RowShareLock', 'RowExclusiveLock') and l.pid <> pg_backend_pid()
   and ($1::text[] is null or l.virtualtransaction = any ($1::text[]))
