-- insert_stream_version: changes nothing when another transaction declared that version first.
-- scope: one participant ($1)
insert into stream_version (participant_id, stream_id, version, study_id, declaration, declared_at)
values ($1::uuid, $2::uuid, $3::integer, $4::uuid, $5::bytea,
        timestamptz 'epoch' + $6::bigint * interval '1 microsecond')
    on conflict (participant_id, stream_id, version) do nothing
