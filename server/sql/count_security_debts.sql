-- count_security_debts: studies whose evidence has no signed root since day $1 began ($2), erasures
-- that are open since before $3 (of a range: a day and two hours longer, which the keys of its last day
-- may be in use), tokens of people and programs that never end.
-- scope: reference, local
select (select count(*)
          from study s
         where s.created_at < timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
           and not exists (select from audit_root r
                            where r.study_id = s.study_id and r.utc_day >= $1::integer))
         as unsigned_studies,
       (select count(*)
          from job
         where state = 1
           and created_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
                            - case when kind = 2 then interval '26 hours' else interval '0' end)
         as stuck_erasures,
       (select count(*)
          from credential c
          join principal p on p.principal_id = c.principal_id
         where c.kind = 1 and c.expires_at is null and c.revoked_at is null and p.state = 2)
         as endless_tokens
