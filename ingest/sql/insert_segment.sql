-- insert_segment: one live payload with its tiles, both sealed.
-- scope: one participant ($1)
insert into segment (participant_id, segment_id, study_id, stream_id, sealed, payload, tiles)
values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, false, $5::bytea, $6::bytea)
