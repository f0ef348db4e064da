-- insert_erasure: the record of an erasure; why it was asked for stands in the evidence alone.
-- scope: local
insert into erasure (erasure_id, study_id, participant_id, requested_by, requested_at, report)
values ($1::uuid, $2::uuid, $3::uuid, $4::uuid,
        timestamptz 'epoch' + $5::bigint * interval '1 microsecond', $6::bytea)
