-- list_upload_states: outboxes of a participant by stream and writer, after a cursor. Each list of
-- ranges is cut at $8 ranges. Without rows to narrow by, parameters are null.
-- scope: one participant ($1)
select s.stream_id, s.writer_id, s.device_id,
       lower(int8multirange(int8range(0, null)) - u.settled) as high_water,
       (select coalesce(range_agg(r), '{}')
          from (select r from unnest(s.stored) as r limit $8::int4) as t)::text as stored,
       (select coalesce(range_agg(r), '{}')
          from (select r from unnest(s.quarantined) as r limit $8::int4) as t)::text as quarantined,
       (select coalesce(range_agg(r), '{}')
          from (select r from unnest(s.abandoned) as r limit $8::int4) as t)::text as abandoned,
       (select coalesce(range_agg(r), '{}')
          from (select r from unnest(s.refused) as r limit $8::int4) as t)::text as refused,
       (select coalesce(range_agg(r), '{}')
          from (select r from unnest(int8multirange(int8range(0, coalesce(upper(u.settled), 0)))
                                     - u.settled) as r limit $8::int4) as t)::text as missing,
       s.stored_chunks, s.duplicate_chunks,
       (extract(epoch from s.last_receipt_at) * 1000000)::int8 as last_receipt_us,
       s.newest_device_ns, s.newest_boot_id, s.newest_clock_id
  from stream_state s
 cross join lateral (select s.stored + s.quarantined + s.abandoned + s.refused as settled) as u
 where s.participant_id = $1::uuid
   and ($2::uuid is null or s.device_id = $2::uuid)
   and ($3::uuid is null or s.stream_id = $3::uuid)
   and ($4::uuid is null or s.writer_id = $4::uuid)
   and ($5::uuid is null or (s.stream_id, s.writer_id) > ($5::uuid, $6::uuid))
 order by s.stream_id, s.writer_id
 limit $7::int4
