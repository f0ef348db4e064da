-- find_declaration: one version of a stream; its columns are null when the stream is known and
-- the version is not.
-- scope: one participant ($1)
select s.study_id::text, s.device_id::text, s.name, v.version, v.declaration,
       (extract(epoch from v.declared_at) * 1000000)::bigint
  from stream s
  left join stream_version v
    on v.participant_id = s.participant_id and v.stream_id = s.stream_id
       and v.version = $3::integer
 where s.participant_id = $1::uuid and s.stream_id = $2::uuid
