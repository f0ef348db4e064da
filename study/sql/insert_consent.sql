-- insert_consent: the next version of a decision on one kind of data.
-- scope: one participant ($1)
insert into consent (participant_id, data_kind, version, study_id, decision, valid_from_ns,
                     valid_until_ns, document, recorded_by, recorded_at)
values ($1::uuid, $2::smallint, $3::integer, $4::uuid, $5::smallint, $6::bigint,
        $7::bigint, $8::bytea, $9::uuid,
        timestamptz 'epoch' + $10::bigint * interval '1 microsecond')
