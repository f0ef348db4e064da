-- delete_run_tiles: the tiles of such runs.
-- scope: one participant ($1)
delete from tile
 where participant_id = $1::uuid and run_id = any ($2::uuid[])
