-- insert_participant: an active participant.
-- scope: one participant ($1)
insert into participant (participant_id, study_id, code, state, created_at, state_since)
values ($1::uuid, $2::uuid, $3::text, 1,
        timestamptz 'epoch' + $4::bigint * interval '1 microsecond',
        timestamptz 'epoch' + $4::bigint * interval '1 microsecond')
