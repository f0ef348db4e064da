-- find_quarantined: one entry with its sealed bytes.
-- scope: one participant ($1)
select quarantine_id, device_id, stream_id, writer_id, number, sha256, body_bytes, reason, detail,
       state, (extract(epoch from quarantined_at) * 1000000)::int8 as quarantined_us, study_id, body,
       decided_request
  from quarantine
 where participant_id = $1::uuid and quarantine_id = $2::uuid
