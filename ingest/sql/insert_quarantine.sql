-- insert_quarantine: one body set aside, sealed.
-- scope: one participant ($1)
insert into quarantine
  (participant_id, quarantine_id, study_id, device_id, stream_id, writer_id, number, sha256,
   body_bytes, reason, detail, state, body, quarantined_at)
values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::uuid, $7::int8, $8::bytea, $9::int4,
        $10::int2, $11::text, 1, $12::bytea, $13::timestamptz)
