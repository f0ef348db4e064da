-- list_covered_spans: stretches of device time of one stream, boot and clock with chunks no further
-- apart than $7, in order. $4 is begin less the hour that a chunk spans at most. Differences of
-- stamps may not fit a bigint.
-- scope: one participant ($1)
with span as (
  select t_min_ns, t_max_ns,
         max(t_max_ns) over (order by t_min_ns, t_max_ns
                             rows between unbounded preceding and 1 preceding) as reach_ns
    from chunk
   where participant_id = $1::uuid and stream_id = $2::uuid
     and boot_id = $3::uuid and clock_id = $8::integer
     and t_min_ns >= $4::bigint and t_min_ns < $6::bigint and t_max_ns >= $5::bigint
), numbered as (
  select t_min_ns, t_max_ns,
         count(*) filter (where reach_ns is null or t_min_ns::numeric - reach_ns > $7::bigint)
           over (order by t_min_ns, t_max_ns rows unbounded preceding) as stretch
    from span
)
select min(t_min_ns), max(t_max_ns)
  from numbered
 group by stretch
 order by stretch
 limit $9::bigint
