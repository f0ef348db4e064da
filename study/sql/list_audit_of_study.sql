-- list_audit_of_study: some links of all chains of a study, in order of subject and number.
-- scope: one study ($1), fan-out
select subject, seq, study_id, prev_hash, body_hash, link_version, body,
       (extract(epoch from recorded_at) * 1000000)::bigint as recorded_at_us
  from audit
 where study_id = $1::uuid
   and (subject, seq) > ($2::uuid, $3::bigint)
 order by subject, seq
 limit $4::integer
