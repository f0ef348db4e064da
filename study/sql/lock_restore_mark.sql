-- lock_restore_mark: the mark of this database, which nobody else raises until this transaction ends.
-- scope: local
select generation, heartbeat
  from restore_mark
   for update
