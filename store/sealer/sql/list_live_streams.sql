-- list_live_streams: a page of the streams of a study with live segments, after ($2, $3), with how
-- many these are, what they weigh, and the ids of the oldest and the newest, which say when they
-- arrived. Faults that are not to be tried again yet ($4: now) do not count.
-- scope: one study ($1). Live segments have an index of their own.
select s.participant_id, s.stream_id, count(*), sum(s.stored_bytes)::bigint,
       min(s.segment_id::text)::uuid, max(s.segment_id::text)::uuid
  from segment s
 where s.study_id = $1::uuid and not s.sealed
   and (s.participant_id, s.stream_id) > ($2::uuid, $3::uuid)
   and not exists (
         select from sealing_fault f
          where f.participant_id = s.participant_id and f.segment_id = s.segment_id
            and f.retry_at > $4::timestamptz)
 group by s.participant_id, s.stream_id
 order by s.participant_id, s.stream_id
 limit $5::bigint
