-- find_data_key: a data key with the participant's key that wraps it.
-- scope: local
select p.wrapped as participant_wrapped,
       p.destroyed_at is not null as participant_destroyed,
       d.wrapped,
       d.destroyed_at is not null as destroyed
  from (select) one
  left join participant_key p on p.participant_id = $1::uuid
  left join data_key d
    on d.participant_id = $1::uuid and d.stream_id = $2::uuid
   and d.utc_day = $3::integer and d.generation = $4::bigint
