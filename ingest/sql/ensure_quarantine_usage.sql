-- ensure_quarantine_usage: a row to count in for each device, given in ascending order.
-- scope: the participants of the batch
insert into quarantine_usage (participant_id, device_id, study_id)
select u.participant_id, u.device_id, u.study_id
  from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as u (participant_id, device_id, study_id)
    on conflict (participant_id, device_id) do nothing
