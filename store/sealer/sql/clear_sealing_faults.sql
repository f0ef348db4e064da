-- clear_sealing_faults: segments ($2) that were sealed after all.
-- scope: one participant ($1)
delete from sealing_fault
 where participant_id = $1::uuid and segment_id = any ($2::uuid[])
