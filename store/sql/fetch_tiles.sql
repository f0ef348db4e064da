-- fetch_tiles: the sealed tiles of some segments, null where there are none.
-- scope: one participant ($1)
select segment_id, tiles
  from segment
 where participant_id = $1::uuid and segment_id = any ($2::uuid[])
