-- abandon_range: settles those numbers of a range that are not settled yet. No row when the outbox
-- is known as that of another device.
-- scope: one participant ($1)
insert into stream_state as s
  (participant_id, stream_id, writer_id, study_id, device_id, abandoned, revision, last_receipt_at)
values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid,
        int8multirange(int8range($6::int8, $7::int8)), 1, $8::timestamptz)
    on conflict (participant_id, stream_id, writer_id) do update set
       abandoned = s.abandoned + (excluded.abandoned - s.stored - s.quarantined - s.refused),
       revision = s.revision + 1,
       last_receipt_at = excluded.last_receipt_at
 where s.device_id = excluded.device_id
returning s.revision
