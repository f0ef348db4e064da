-- set_participant_state: a new state, from now on.
-- scope: one participant ($1)
update participant
   set state = $2::smallint,
       state_since = timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
 where participant_id = $1::uuid
