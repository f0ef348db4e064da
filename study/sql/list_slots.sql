-- list_slots: which slots of some segments belong to a chunk, and whether that was erased.
-- scope: one participant ($1)
select segment_id, segment_slot, flags & 4 <> 0 as erased
  from chunk
 where participant_id = $1::uuid and segment_id = any ($2::uuid[])
