-- find_newest_data_key: the newest data key of a day with the participant's key that wraps it.
-- scope: local
select p.wrapped as participant_wrapped,
       p.destroyed_at is not null as participant_destroyed,
       d.generation,
       d.wrapped,
       d.destroyed_at is not null as destroyed
  from (select) one
  left join participant_key p on p.participant_id = $1::uuid
  left join lateral (
         select generation, wrapped, destroyed_at
           from data_key
          where participant_id = $1::uuid and stream_id = $2::uuid and utc_day = $3::integer
          order by generation desc
          limit 1) d on true
