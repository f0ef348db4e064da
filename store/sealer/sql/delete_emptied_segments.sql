-- delete_emptied_segments: those of some segments that no chunk points at any more.
-- scope: one participant ($1)
delete from segment s
 where s.participant_id = $1::uuid and s.segment_id = any ($2::uuid[])
   and not exists (
         select from chunk c
          where c.participant_id = $1::uuid and c.segment_id = s.segment_id)
