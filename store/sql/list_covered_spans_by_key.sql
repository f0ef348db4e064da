-- list_covered_spans_by_key: the same as list_covered_spans, where chunks are told apart that are
-- marked as erased or sealed by one of the keys $10: the last column.
-- scope: one participant ($1)
with page as (
  select c.t_min_ns, c.t_max_ns, c.sample_count, c.body_bytes, c.arrived_at, c.segment_id, c.flags
    from chunk c
   where c.participant_id = $1::uuid and c.stream_id = $2::uuid
     and c.boot_id = $3::uuid and c.clock_id = $4::integer
     and c.t_min_ns >= $5::bigint and c.t_min_ns <= $7::bigint and c.t_max_ns >= $6::bigint
   order by c.t_min_ns
   fetch first ($8::bigint) rows with ties
), keyed as (
  select p.*, p.flags & 4 <> 0 or coalesce(s.key_name = any ($10::bytea[]), false) as erased
    from page p
    left join segment s on s.participant_id = $1::uuid and s.segment_id = p.segment_id
), reached as (
  select *,
         max(t_max_ns) over (partition by erased order by t_min_ns
                             rows between unbounded preceding and 1 preceding) as reach_ns
    from keyed
), numbered as (
  select *,
         count(*) filter (
           where t_min_ns > least(reach_ns, 9223372036854775807 - $9::bigint) + $9::bigint)
           over (partition by erased order by t_min_ns rows unbounded preceding) as stretch
    from reached
)
select min(t_min_ns), max(t_max_ns), max(t_min_ns), count(*), sum(sample_count)::bigint,
       sum(body_bytes)::bigint, max(arrived_at), erased
  from numbered
 group by erased, stretch
