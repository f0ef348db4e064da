-- look_up_quarantined: the reason with which a body was set aside before, if it was, in the order
-- asked.
-- scope: the participants of the batch
select q.reason
  from unnest($1::uuid[], $2::uuid[], $3::bytea[]) with ordinality
    as u (participant_id, device_id, sha256, place)
  left join quarantine q
    on q.participant_id = u.participant_id and q.device_id = u.device_id and q.sha256 = u.sha256
 order by u.place
