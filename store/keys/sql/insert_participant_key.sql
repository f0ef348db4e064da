-- insert_participant_key: adds a participant's key unless there is one, or was.
-- scope: local
insert into participant_key (participant_id, wrapped) values ($1::uuid, $2::bytea)
on conflict do nothing
