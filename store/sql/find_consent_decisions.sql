-- find_consent_decisions: what a participant decided; one row of nulls of one who decided nothing,
-- none of one who is not there.
-- scope: one participant ($1)
select c.data_kind, c.version, c.decision, c.valid_from_ns, c.valid_until_ns
  from participant p
  left join consent c on c.participant_id = p.participant_id
 where p.participant_id = $1::uuid
