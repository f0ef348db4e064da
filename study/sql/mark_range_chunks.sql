-- mark_range_chunks: marks as erased what count_range_chunks counts, and says how many chunks that
-- were and which segments hold them, as an array in text.
-- scope: one participant ($1)
with marked as (
  update chunk c
     set flags = c.flags | 4
    from unnest($3::uuid[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[])
         as r (boot_id, clock_id, scan_from_ns, begin_ns, end_ns)
   where c.participant_id = $1::uuid and c.stream_id = $2::uuid
     and c.boot_id = r.boot_id and c.clock_id = r.clock_id
     and c.t_min_ns >= r.scan_from_ns and c.t_min_ns < r.end_ns
     and c.t_max_ns >= r.begin_ns
     and c.kind <> 3 and c.flags & 4 = 0
  returning c.segment_id
)
select count(*) as chunks, array_agg(distinct segment_id)::text as segments
  from marked
