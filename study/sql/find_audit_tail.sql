-- find_audit_tail: the newest link of a subject's chain.
-- scope: one participant or study ($1)
select seq, prev_hash, body_hash
  from audit
 where subject = $1::uuid
 order by seq desc
 limit 1
