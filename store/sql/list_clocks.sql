-- list_clocks: a page of the boots and clocks of a stream after ($3, $4), with the begin of the
-- first and of the last chunk of each. One step of the index for each, however many chunks it has.
-- scope: one participant ($1)
with recursive clock as (
  (select boot_id, clock_id, t_min_ns
     from chunk
    where participant_id = $1::uuid and stream_id = $2::uuid
      and (boot_id, clock_id) > ($3::uuid, $4::integer)
    order by boot_id, clock_id, t_min_ns
    limit 1)
  union all
  select n.boot_id, n.clock_id, n.t_min_ns
    from clock c
   cross join lateral (
         select boot_id, clock_id, t_min_ns
           from chunk
          where participant_id = $1::uuid and stream_id = $2::uuid
            and (boot_id, clock_id) > (c.boot_id, c.clock_id)
          order by boot_id, clock_id, t_min_ns
          limit 1) n
)
select c.boot_id, c.clock_id, c.t_min_ns, l.t_min_ns
  from clock c
 cross join lateral (
       select t_min_ns
         from chunk
        where participant_id = $1::uuid and stream_id = $2::uuid
          and boot_id = c.boot_id and clock_id = c.clock_id
        order by t_min_ns desc
        limit 1) l
 limit $5::bigint
