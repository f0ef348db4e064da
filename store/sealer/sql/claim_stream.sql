-- claim_stream: the stream ($2) is this worker's for so many milliseconds, unless it is another's.
-- scope: one participant ($1)
insert into sealing_claim as c (participant_id, stream_id, study_id, fence, lease_until)
values ($1::uuid, $2::uuid, $3::uuid, 1, clock_timestamp() + $4::bigint * interval '1 millisecond')
    on conflict (participant_id, stream_id) do update
       set fence = c.fence + 1,
           lease_until = excluded.lease_until
     where c.lease_until < clock_timestamp()
returning fence
