-- find_participant_key: a participant's key, and whether there is anything of the participant.
-- scope: local
select p.wrapped,
       p.destroyed_at is not null as destroyed,
       p.participant_id is not null as found,
       exists (select from data_key where participant_id = $1::uuid) as has_data_keys
  from (select) one
  left join participant_key p on p.participant_id = $1::uuid
