-- destroy_participant_key: takes the key away and leaves the mark.
-- scope: local
insert into participant_key (participant_id, destroyed_at) values ($1::uuid, now())
on conflict (participant_id)
   do update set wrapped = null, destroyed_at = now()
   where participant_key.destroyed_at is null
