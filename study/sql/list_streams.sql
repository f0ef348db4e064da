-- list_streams: a page of a participant's streams, every version ($3) or the newest of each.
-- scope: one participant ($1)
select s.stream_id, s.device_id, s.name, v.version, v.declaration,
       (extract(epoch from v.declared_at) * 1000000)::bigint as declared_at_us
  from stream s
  join stream_version v on v.participant_id = s.participant_id and v.stream_id = s.stream_id
 where s.participant_id = $1::uuid
   and ($2::uuid is null or s.device_id = $2::uuid)
   and ($3::boolean or not exists (select from stream_version w
                                    where w.participant_id = v.participant_id
                                      and w.stream_id = v.stream_id
                                      and w.version > v.version))
   and (s.stream_id, v.version) > ($4::uuid, $5::integer)
 order by s.stream_id, v.version
 limit $6::integer
