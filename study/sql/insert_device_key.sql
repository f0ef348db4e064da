-- insert_device_key: a new key; changes nothing when the device had that key before.
-- scope: local
insert into device_key (device_id, public_key, valid_from)
values ($1::uuid, $2::bytea, timestamptz 'epoch' + $3::bigint * interval '1 microsecond')
    on conflict (device_id, public_key) do nothing
