-- destroy_data_key: takes the key away and leaves the mark.
-- scope: local
insert into data_key (participant_id, stream_id, utc_day, generation, destroyed_at)
values ($1::uuid, $2::uuid, $3::integer, $4::bigint, now())
on conflict (participant_id, stream_id, utc_day, generation)
   do update set wrapped = null, destroyed_at = now()
   where data_key.destroyed_at is null
