-- insert_tile: one level of the tiles of a run, sealed.
-- scope: one participant ($1)
insert into tile (participant_id, run_id, level, study_id, payload)
values ($1::uuid, $2::uuid, $3::smallint, $4::uuid, $5::bytea)
