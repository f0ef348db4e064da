-- find_cut_boot: whether a stream has chunks of a boot and clock that evidence has cut into epochs.
-- scope: one participant ($1)
select 1
  from epoch e
 where e.participant_id = $1::uuid and e.device_id = $3::uuid and e.ordinal > 0
   and exists (
         select from chunk c
          where c.participant_id = $1::uuid and c.stream_id = $2::uuid
            and c.boot_id = e.boot_id and c.clock_id = e.clock_id)
 limit 1
