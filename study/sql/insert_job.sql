-- insert_job: work to be done as soon as somebody is free.
-- scope: local
insert into job (job_id, kind, study_id, participant_id, payload, state, available_at, created_at)
values ($1::uuid, $2::smallint, $3::uuid, $4::uuid, $5::bytea, 1, now(), now())
