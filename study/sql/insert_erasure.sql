-- insert_erasure: the record of an erasure.
-- scope: local
insert into erasure (erasure_id, study_id, participant_id, reason, requested_by, requested_at, report)
values ($1::uuid, $2::uuid, $3::uuid, $4::text, $5::uuid,
        timestamptz 'epoch' + $6::bigint * interval '1 microsecond', $7::bytea)
