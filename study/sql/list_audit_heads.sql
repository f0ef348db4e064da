-- list_audit_heads: the newest link of some chains of a study, in order of subject. Steps from chain to
-- chain: links that are not the newest of theirs are not read.
-- scope: one study ($1), fan-out
with recursive chain as (
  (select subject
     from audit
    where study_id = $1::uuid and subject > $2::uuid
    order by subject
    limit 1)
  union all
  select (select a.subject
            from audit a
           where a.study_id = $1::uuid and a.subject > chain.subject
           order by a.subject
           limit 1)
    from chain
   where chain.subject is not null
)
select tail.*
  from (select subject from chain where subject is not null limit $3::integer) picked
 cross join lateral (
         select subject, seq, study_id, prev_hash, body_hash, link_version,
                (extract(epoch from recorded_at) * 1000000)::bigint as recorded_at_us
           from audit
          where study_id = $1::uuid and subject = picked.subject
          order by seq desc
          limit 1) tail
 order by tail.subject
