-- find_audit_tail: the newest link of a subject's chain.
-- scope: one participant or study ($1)
select subject, seq, study_id, prev_hash, body_hash, link_version,
       (extract(epoch from recorded_at) * 1000000)::bigint as recorded_at_us
  from audit
 where subject = $1::uuid
 order by seq desc
 limit 1
