-- list_outdated: the same as expect_erased_ranges, as a question: which of them.
-- scope: the participants of the batch
select u.participant_id, u.known
  from unnest($1::uuid[], $2::int8[]) as u (participant_id, known)
 where (select count(*) from erased_range e where e.participant_id = u.participant_id) <> u.known
