-- fetch_run_tiles: one level of the tiles of each of some runs.
-- scope: one participant ($1)
select t.run_id, t.payload
  from unnest($2::uuid[], $3::smallint[]) as w (run_id, level)
  join tile t on t.participant_id = $1::uuid and t.run_id = w.run_id and t.level = w.level
