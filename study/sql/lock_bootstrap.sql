-- lock_bootstrap: one bootstrap at a time, by the row that every database has exactly once.
-- scope: local
select generation
  from restore_mark
   for update
