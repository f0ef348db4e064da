-- move_chunks: points chunks of one outbox to their new segments, if they still point where they did
-- and are erased, or not, as they were.
-- scope: one participant ($1)
update chunk c
   set segment_id = n.new_segment,
       segment_slot = n.new_slot
  from unnest($4::int8[], $5::uuid[], $6::int2[], $7::int2[], $8::uuid[], $9::int2[])
         as n (number, old_segment, old_slot, erased, new_segment, new_slot)
 where c.participant_id = $1::uuid and c.stream_id = $2::uuid and c.writer_id = $3::uuid
   and c.number = n.number and c.segment_id = n.old_segment and c.segment_slot = n.old_slot
   and (c.flags & 4 <> 0) = (n.erased <> 0)
