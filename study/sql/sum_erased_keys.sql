-- sum_erased_keys: what an erasure did with its keys, and how many segments and runs one of them still
-- seals.
-- scope: one participant ($1)
select count(*) as keys,
       count(*) filter (where k.destroyed_at is null) as keys_left,
       coalesce(sum(k.chunks_kept), 0)::bigint as chunks_kept,
       coalesce(sum((select count(*) from segment s
                      where s.participant_id = $1::uuid and s.stream_id = k.stream_id
                        and s.key_name = k.key_name)
                    + (select count(*) from sealed_run r
                        where r.participant_id = $1::uuid and r.stream_id = k.stream_id
                          and r.key_name = k.key_name)), 0)::bigint as segments_sealed
  from erased_key k
 where k.participant_id = $1::uuid and k.erasure_id = $2::uuid
