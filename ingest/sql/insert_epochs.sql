-- insert_epochs: the first epoch of each boot and clock that chunks speak of.
-- scope: the participants of the batch
insert into epoch (participant_id, device_id, boot_id, clock_id, ordinal, study_id)
select u.participant_id, u.device_id, u.boot_id, u.clock_id, 0, u.study_id
  from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int4[], $5::uuid[])
    as u (participant_id, device_id, boot_id, clock_id, study_id)
    on conflict (participant_id, device_id, boot_id, clock_id, ordinal) do nothing
