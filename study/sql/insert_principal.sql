-- insert_principal: somebody who may be given credentials.
-- scope: local
insert into principal (principal_id, kind, study_id, participant_id, display_name, state, created_at)
values ($1::uuid, $2::smallint, $3::uuid, $4::uuid, $5::text, $6::smallint,
        timestamptz 'epoch' + $7::bigint * interval '1 microsecond')
