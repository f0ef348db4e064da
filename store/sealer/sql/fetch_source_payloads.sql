-- fetch_source_payloads: the sealed payloads of some segments.
-- scope: one participant ($1)
select segment_id, payload
  from segment
 where participant_id = $1::uuid and segment_id = any ($2::uuid[])
