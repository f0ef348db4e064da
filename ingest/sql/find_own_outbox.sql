-- find_own_outbox: whether a device declared this stream, or an outbox is known as its own.
-- scope: one participant ($1)
select exists (select from stream
                where participant_id = $1::uuid and stream_id = $2::uuid and device_id = $4::uuid)
    or exists (select from stream_state
                where participant_id = $1::uuid and stream_id = $2::uuid and writer_id = $3::uuid
                  and device_id = $4::uuid)
