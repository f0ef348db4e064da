-- find_restore_mark: the restore generation that this database was written under, and its heartbeat.
-- scope: local
select generation, heartbeat
  from restore_mark
