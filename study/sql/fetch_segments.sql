-- fetch_segments: some segments as they lie there.
-- scope: one participant ($1)
select segment_id, payload, coalesce(tiles, ''::bytea) as tiles
  from segment
 where participant_id = $1::uuid and segment_id = any ($2::uuid[])
