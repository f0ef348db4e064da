-- insert_device: a place for a device that has yet to enrol; changes nothing when the name is taken.
-- scope: one participant ($1)
insert into device (participant_id, device_id, study_id, name, state, created_at)
values ($1::uuid, $2::uuid, $3::uuid, $4::text, 1,
        timestamptz 'epoch' + $5::bigint * interval '1 microsecond')
    on conflict (participant_id, name) do nothing
