-- unsettle_quarantined: a number leaves the quarantined ones, because its body is about to be
-- stored. Makes the outbox known if only foreign bodies came from it so far.
-- scope: one participant ($1)
insert into stream_state as s
  (participant_id, stream_id, writer_id, study_id, device_id, last_receipt_at)
values ($1::uuid, $2::uuid, $3::uuid, $6::uuid, $5::uuid, $7::timestamptz)
    on conflict (participant_id, stream_id, writer_id) do update set
       quarantined = s.quarantined
         - int8multirange(int8range($4::int8, $4::int8 + 1))
