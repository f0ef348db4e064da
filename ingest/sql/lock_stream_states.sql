-- lock_stream_states: locks the outboxes of a batch in ascending order: while they are locked, none
-- of their numbers can be settled by anybody else. With how many runs of stored and of refused
-- numbers each has.
-- scope: the participants of the batch
select s.participant_id, s.stream_id, s.writer_id,
       (select count(*) from unnest(s.stored))::int4 as stored_runs,
       (select count(*) from unnest(s.refused))::int4 as refused_runs
  from stream_state s
  join unnest($1::uuid[], $2::uuid[], $3::uuid[]) as u (participant_id, stream_id, writer_id)
    on s.participant_id = u.participant_id and s.stream_id = u.stream_id
   and s.writer_id = u.writer_id
 order by s.participant_id, s.stream_id, s.writer_id
   for update of s
