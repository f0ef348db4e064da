-- note_sealing_fault: a live segment ($2) that could not be sealed. It is tried again after an hour,
-- then after twice as long, up to a week.
-- scope: one participant ($1)
insert into sealing_fault as f
  (participant_id, segment_id, stream_id, study_id, problem, attempts, noted_at, retry_at)
values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::text, 1, $6::timestamptz,
        $6::timestamptz + interval '1 hour')
    on conflict (participant_id, segment_id) do update
       set problem = excluded.problem,
           attempts = f.attempts + 1,
           retry_at = excluded.noted_at
                      + least(interval '1 hour' * power(2, least(f.attempts, 8)), interval '7 days')
