-- list_quarantine: entries of a participant, oldest first, after a cursor.
-- scope: one participant ($1)
select quarantine_id, device_id, stream_id, writer_id, number, sha256, body_bytes, reason, detail,
       state, (extract(epoch from quarantined_at) * 1000000)::int8 as quarantined_us
  from quarantine
 where participant_id = $1::uuid
   and ($2::int2 = 0 or state = $2::int2)
   and ($3::uuid is null or quarantine_id > $3::uuid)
 order by quarantine_id
 limit $4::int4
