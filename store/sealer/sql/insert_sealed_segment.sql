-- insert_sealed_segment: one payload of a run, sealed. Its tiles stand with the run.
-- scope: one participant ($1)
insert into segment (participant_id, segment_id, study_id, stream_id, sealed, payload, run_id)
values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, true, $5::bytea, $6::uuid)
