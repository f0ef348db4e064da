-- lock_stream_states: locks the outboxes of a batch in ascending order: while they are locked, none
-- of their numbers can be settled by anybody else.
-- scope: the participants of the batch
select s.revision
  from stream_state s
  join unnest($1::uuid[], $2::uuid[], $3::uuid[]) as u (participant_id, stream_id, writer_id)
    on s.participant_id = u.participant_id and s.stream_id = u.stream_id
   and s.writer_id = u.writer_id
 order by s.participant_id, s.stream_id, s.writer_id
   for update of s
