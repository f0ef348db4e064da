-- settle_stored: counts chunks as stored, of outboxes given in ascending order, which is the order
-- in which their rows are locked. If a number of them is settled or refused already, if an outbox would
-- have more than $12 runs of numbers, or a device more than $13 outboxes, `stored` would become null,
-- which the table forbids: the transaction ends, and a careful one looks at each number.
-- For the select list, see insert_chunks.
-- scope: the participants of the batch
insert into stream_state as s
  (participant_id, stream_id, writer_id, study_id, device_id, stored, revision, stored_chunks,
   last_receipt_at, newest_device_ns, newest_boot_id, newest_clock_id)
select u.participant_id, u.stream_id, u.writer_id, u.study_id, u.device_id,
       case when not exists (select from stream_state k
                              where k.participant_id = u.participant_id
                                and k.stream_id = u.stream_id and k.writer_id = u.writer_id)
                 and (select count(*) from stream_state k
                       where k.participant_id = u.participant_id
                         and k.device_id = u.device_id) >= $13::int4
            then null else u.stored::int8multirange end, 1, u.chunks, $11::timestamptz,
       u.newest_device_ns, u.newest_boot_id, u.newest_clock_id
  from (select unnest($1::uuid[]) as participant_id, unnest($2::uuid[]) as stream_id,
               unnest($3::uuid[]) as writer_id, unnest($4::uuid[]) as study_id,
               unnest($5::uuid[]) as device_id, unnest($6::text[]) as stored,
               unnest($7::int8[]) as chunks, unnest($8::int8[]) as newest_device_ns,
               unnest($9::uuid[]) as newest_boot_id, unnest($10::int4[]) as newest_clock_id) as u
    on conflict (participant_id, stream_id, writer_id) do update set
       stored = case when (s.stored + s.quarantined + s.abandoned + s.refused)
                          && excluded.stored then null
                     when (select count(*) from unnest(s.stored + excluded.stored)) > $12::int4
                     then null
                     else s.stored + excluded.stored end,
       device_id = excluded.device_id,
       revision = s.revision + 1,
       stored_chunks = s.stored_chunks + excluded.stored_chunks,
       last_receipt_at = excluded.last_receipt_at,
       newest_device_ns = case when upper(excluded.stored) > coalesce(upper(s.stored), 0)
                               then excluded.newest_device_ns else s.newest_device_ns end,
       newest_boot_id = case when upper(excluded.stored) > coalesce(upper(s.stored), 0)
                             then excluded.newest_boot_id else s.newest_boot_id end,
       newest_clock_id = case when upper(excluded.stored) > coalesce(upper(s.stored), 0)
                              then excluded.newest_clock_id else s.newest_clock_id end
