-- list_set_aside: which numbers of a stream were quarantined, as ranges with both ends inside.
-- scope: one participant ($1)
select s.writer_id, lower(r), upper(r) - 1
  from stream_state s, unnest(s.quarantined) as r
 where s.participant_id = $1::uuid and s.stream_id = $2::uuid
 order by s.writer_id, lower(r)
