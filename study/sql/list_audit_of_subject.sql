-- list_audit_of_subject: some links of one chain, oldest first.
-- scope: one participant or study ($1)
select subject, seq, study_id, prev_hash, body_hash, link_version, body,
       (extract(epoch from recorded_at) * 1000000)::bigint as recorded_at_us
  from audit
 where subject = $1::uuid
   and seq > $2::bigint
 order by seq
 limit $3::integer
