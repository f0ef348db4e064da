-- find_consent_decisions: what a participant decided, and what of the time was erased since, which has
-- a stream (zero: all) in the last column; one row of nulls of one who decided nothing, none of one
-- who is not there.
-- scope: one participant ($1)
select c.data_kind, c.version, c.decision, c.valid_from_ns, c.valid_until_ns, null::text as erased_of
  from participant p
  left join consent c on c.participant_id = p.participant_id
 where p.participant_id = $1::uuid
 union all
select null, null, null, e.begin_ns, e.end_ns, e.stream_id::text
  from erased_range e
 where e.participant_id = $1::uuid
