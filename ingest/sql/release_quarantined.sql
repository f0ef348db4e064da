-- release_quarantined: an entry gives up its bytes: redriven (2) or discarded (3).
-- scope: one participant ($1)
update quarantine
   set state = $3::int2, body = null, decided_at = $4::timestamptz, decided_request = $5::uuid
 where participant_id = $1::uuid and quarantine_id = $2::uuid and state = 1
returning device_id, body_bytes
