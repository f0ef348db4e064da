-- find_own_outbox: whether a device declared this stream, or an outbox is known as its own; and how
-- many runs of numbers the outbox would have given up with those from $5 to before $6.
-- scope: one participant ($1)
select exists (select from stream
                where participant_id = $1::uuid and stream_id = $2::uuid and device_id = $4::uuid)
    or exists (select from stream_state
                where participant_id = $1::uuid and stream_id = $2::uuid and writer_id = $3::uuid
                  and device_id = $4::uuid),
       (select count(*)
          from unnest(coalesce((select abandoned from stream_state
                                 where participant_id = $1::uuid and stream_id = $2::uuid
                                   and writer_id = $3::uuid), '{}')
                      + int8multirange(int8range($5::int8, $6::int8))))::int4
