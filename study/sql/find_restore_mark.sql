-- find_restore_mark: the restore generation that this database was written under.
-- scope: local
select generation
  from restore_mark
