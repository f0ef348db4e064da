-- insert_data_key: adds a data key unless there is one, or was.
-- scope: local
insert into data_key (participant_id, stream_id, utc_day, generation, wrapped)
values ($1::uuid, $2::uuid, $3::integer, $4::bigint, $5::bytea)
on conflict do nothing
