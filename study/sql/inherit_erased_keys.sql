-- inherit_erased_keys: if some ranges of a stream hold chunks that are marked as erased already, an
-- erasure ($8) waits for the keys of the stream that earlier ones have still to destroy. The first
-- parameters are as of count_range_chunks.
-- scope: one participant ($1)
insert into erased_key (participant_id, erasure_id, stream_id, key_name, study_id)
select distinct k.participant_id, $8::uuid, k.stream_id, k.key_name, k.study_id
  from erased_key k
 where k.participant_id = $1::uuid and k.stream_id = $2::uuid and k.destroyed_at is null
   and exists (
         select from unnest($3::uuid[], $4::integer[], $5::bigint[], $6::bigint[], $7::bigint[])
                     as r (boot_id, clock_id, scan_from_ns, begin_ns, end_ns)
           join chunk c
             on c.participant_id = $1::uuid and c.stream_id = $2::uuid
                and c.boot_id = r.boot_id and c.clock_id = r.clock_id
                and c.t_min_ns >= r.scan_from_ns and c.t_min_ns < r.end_ns
                and c.t_max_ns >= r.begin_ns
          where c.flags >= 4 and c.flags & 4 <> 0)
    on conflict do nothing
