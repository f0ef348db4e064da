-- ensure_stream_states: a row to lock for every outbox of a batch, given in ascending order. A device
-- with $7 outboxes gets no other one.
-- scope: the participants of the batch
insert into stream_state
  (participant_id, stream_id, writer_id, study_id, device_id, last_receipt_at)
select u.participant_id, u.stream_id, u.writer_id, u.study_id, u.device_id, $6::timestamptz
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[])
    as u (participant_id, stream_id, writer_id, study_id, device_id)
 where (select count(*) from stream_state k
         where k.participant_id = u.participant_id and k.device_id = u.device_id) < $7::int4
    on conflict (participant_id, stream_id, writer_id) do nothing
