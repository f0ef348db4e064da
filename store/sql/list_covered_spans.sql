-- list_covered_spans: stretches of device time of one stream, boot and clock with chunks no further
-- apart than $9, with what they hold, over a page of chunks that overlap [$6, $7]. A chunk spans at
-- most an hour: $5 is $6 less that hour, or where the page before ended. Chunks that begin together
-- share a page, so that the next one begins behind the greatest of the third column.
-- scope: one participant ($1)
with page as (
  select t_min_ns, t_max_ns, sample_count, body_bytes, arrived_at
    from chunk
   where participant_id = $1::uuid and stream_id = $2::uuid
     and boot_id = $3::uuid and clock_id = $4::integer
     and t_min_ns >= $5::bigint and t_min_ns <= $7::bigint and t_max_ns >= $6::bigint
   order by t_min_ns
   fetch first ($8::bigint) rows with ties
), reached as (
  select *,
         max(t_max_ns) over (order by t_min_ns
                             rows between unbounded preceding and 1 preceding) as reach_ns
    from page
), numbered as (
  select *,
         count(*) filter (
           where t_min_ns > least(reach_ns, 9223372036854775807 - $9::bigint) + $9::bigint)
           over (order by t_min_ns rows unbounded preceding) as stretch
    from reached
)
select min(t_min_ns), max(t_max_ns), max(t_min_ns), count(*), sum(sample_count)::bigint,
       sum(body_bytes)::bigint, max(arrived_at), false
  from numbered
 group by stretch
