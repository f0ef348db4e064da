-- read_quarantine_usage: what the devices of a batch hold in quarantine, without a lock.
-- scope: the participants of the batch
select q.participant_id, q.device_id, q.held_bytes, q.held_chunks
  from quarantine_usage q
  join unnest($1::uuid[], $2::uuid[]) as u (participant_id, device_id)
    on q.participant_id = u.participant_id and q.device_id = u.device_id
