-- add_quarantine_usage: counts bytes and chunks into, or with negative numbers out of, quarantine.
-- scope: one participant ($1)
update quarantine_usage
   set held_bytes = held_bytes + $3::int8, held_chunks = held_chunks + $4::int8
 where participant_id = $1::uuid and device_id = $2::uuid
