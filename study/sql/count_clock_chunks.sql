-- count_clock_chunks: how many chunks of a stream some clocks have, but for clock records.
-- scope: one participant ($1)
select count(*)
  from unnest($3::uuid[], $4::integer[]) as r (boot_id, clock_id)
  join chunk c
    on c.participant_id = $1::uuid and c.stream_id = $2::uuid
       and c.boot_id = r.boot_id and c.clock_id = r.clock_id
 where c.kind <> 3
