-- insert_stream: changes nothing when the id or the name is taken.
-- scope: one participant ($1)
insert into stream (participant_id, stream_id, study_id, device_id, name)
values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::text)
    on conflict do nothing
