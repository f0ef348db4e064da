-- look_up_numbers: what is known of each number of a batch, in the order asked: settled as what,
-- whether its outbox is known as that of this device, the hash of what is stored under it, and
-- whether a neighbour of it is stored.
-- scope: the participants of the batch
select coalesce(s.stored @> u.number, false), coalesce(s.quarantined @> u.number, false),
       coalesce(s.abandoned @> u.number, false), coalesce(s.device_id = u.device_id, false),
       c.sha256,
       coalesce(s.stored @> (u.number - 1) or s.stored @> (u.number + 1), false),
       coalesce(s.refused @> u.number, false)
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int8[], $5::uuid[]) with ordinality
    as u (participant_id, stream_id, writer_id, number, device_id, place)
  left join stream_state s
    on s.participant_id = u.participant_id and s.stream_id = u.stream_id
   and s.writer_id = u.writer_id
  left join chunk c
    on c.participant_id = u.participant_id and c.stream_id = u.stream_id
   and c.writer_id = u.writer_id and c.number = u.number
 order by u.place
