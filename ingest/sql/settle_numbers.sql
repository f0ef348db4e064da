-- settle_numbers: what a careful transaction found, outbox by outbox; the rows are locked already.
-- A revision is counted only where something was settled, not for duplicates.
-- A number that is stored or set aside after all is not refused any more.
-- scope: the participants of the batch
update stream_state s
   set stored = s.stored + u.stored::int8multirange,
       quarantined = s.quarantined + u.quarantined::int8multirange,
       refused = s.refused + u.refused::int8multirange
         - u.stored::int8multirange - u.quarantined::int8multirange,
       device_id = case when u.chunks > 0 then u.device_id else s.device_id end,
       revision = s.revision
         + case when isempty(u.stored::int8multirange + u.quarantined::int8multirange
                             + u.refused::int8multirange)
                then 0 else 1 end,
       stored_chunks = s.stored_chunks + u.chunks,
       duplicate_chunks = s.duplicate_chunks + u.duplicates,
       last_receipt_at = $13::timestamptz,
       newest_device_ns = case when upper(u.stored::int8multirange) > coalesce(upper(s.stored), 0)
                               then u.newest_device_ns else s.newest_device_ns end,
       newest_boot_id = case when upper(u.stored::int8multirange) > coalesce(upper(s.stored), 0)
                             then u.newest_boot_id else s.newest_boot_id end,
       newest_clock_id = case when upper(u.stored::int8multirange) > coalesce(upper(s.stored), 0)
                              then u.newest_clock_id else s.newest_clock_id end
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],
              $8::int8[], $9::int8[], $10::int8[], $11::uuid[], $12::int4[])
    as u (participant_id, stream_id, writer_id, device_id, stored, quarantined, refused, chunks,
          duplicates, newest_device_ns, newest_boot_id, newest_clock_id)
 where s.participant_id = u.participant_id and s.stream_id = u.stream_id
   and s.writer_id = u.writer_id
