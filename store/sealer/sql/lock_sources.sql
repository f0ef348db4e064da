-- lock_sources: those of some segments ($2) that are still what was read: sealed by the key $3, and
-- live or of the runs $4.
-- scope: one participant ($1)
select segment_id
  from segment
 where participant_id = $1::uuid and segment_id = any ($2::uuid[]) and key_name = $3::bytea
   and (not sealed or run_id = any ($4::uuid[]))
   for update
