-- expect_erased_ranges: ends the transaction with a division by zero where participants ($1) have other
-- erased ranges than so many ($2). To be asked once the transaction has written something: an
-- erasure that it does not see then waits for its end (docs/adr/0020).
-- scope: the participants of the batch
select 1 / (case when count(*) = 0 then 1 else 0 end)
  from unnest($1::uuid[], $2::int8[]) as u (participant_id, known)
 where (select count(*) from erased_range e where e.participant_id = u.participant_id) <> u.known
