-- list_newest_declarations: the newest version of every stream of a participant.
-- scope: one participant ($1)
select distinct on (s.stream_id)
       s.study_id::text, s.device_id::text, s.name, v.version, v.declaration,
       (extract(epoch from v.declared_at) * 1000000)::bigint, s.stream_id::text
  from stream s
  join stream_version v on v.participant_id = s.participant_id and v.stream_id = s.stream_id
 where s.participant_id = $1::uuid
 order by s.stream_id, v.version desc
