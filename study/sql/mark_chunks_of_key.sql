-- mark_chunks_of_key: marks what a data key of a stream ($2, $3) sealed as erased, and says how many
-- chunks that were and which segments hold them, as an array in text.
-- scope: one participant ($1)
with marked as (
  update chunk c
     set flags = c.flags | 4
    from segment s
   where s.participant_id = $1::uuid and s.stream_id = $2::uuid and s.key_name = $3::bytea
     and c.participant_id = $1::uuid and c.segment_id = s.segment_id 
     and c.kind <> 3 and c.flags & 4 = 0
  returning c.segment_id)
select count(*) as chunks, array_agg(distinct segment_id)::text as segments
  from marked
