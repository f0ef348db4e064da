-- count_sealing_faults: live segments of a study that could not be sealed.
-- scope: one study ($1)
select count(*)
  from sealing_fault
 where study_id = $1::uuid
