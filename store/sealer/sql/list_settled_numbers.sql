-- list_settled_numbers: which numbers of a stream came to an end, as half-open ranges by outbox.
-- scope: one participant ($1)
select s.writer_id, lower(r), upper(r)
  from stream_state s, unnest(s.stored + s.quarantined + s.abandoned + s.refused) as r
 where s.participant_id = $1::uuid and s.stream_id = $2::uuid
 order by s.writer_id, lower(r)
