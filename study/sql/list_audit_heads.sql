-- list_audit_heads: the newest link of every chain of a study, in order of subject.
-- scope: one study ($1), fan-out
select distinct on (subject) subject, seq, study_id, prev_hash, body_hash, link_version,
       (extract(epoch from recorded_at) * 1000000)::bigint as recorded_at_us
  from audit
 where study_id = $1::uuid
 order by subject, seq desc
