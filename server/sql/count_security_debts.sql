-- count_security_debts: studies whose evidence has no signed root since day $1 began ($2); erasures that
-- are open, and those that are since before $3 (of a range: a day and two hours longer, which the keys
-- of its last day may be in use); live tokens at $4: of people and operators that never end, of
-- programs that never end and were made before $5, and of programs that end before $6. A program
-- that has no role left does not count.
-- scope: reference, local
select (select count(*)
          from study s
         where s.created_at < timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
           and not exists (select from audit_root r
                            where r.study_id = s.study_id and r.utc_day >= $1::integer))
         as unsigned_studies,
       jobs.*, tokens.*
  from (select count(*) as open_erasures,
               count(*) filter (
                 where created_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
                                    - case when kind = 2 then interval '26 hours'
                                           else interval '0' end) as stuck_erasures
          from job
         where state = 1) jobs,
       (select count(*) filter (where p.kind <> 5 and c.expires_at is null) as endless_tokens,
               count(*) filter (
                 where p.kind = 5 and c.expires_at is null
                   and c.created_at < timestamptz 'epoch' + $5::bigint * interval '1 microsecond')
                 as old_program_tokens,
               count(*) filter (
                 where p.kind = 5
                   and c.expires_at < timestamptz 'epoch' + $6::bigint * interval '1 microsecond')
                 as expiring_program_tokens
          from credential c
          join principal p on p.principal_id = c.principal_id
         where c.kind = 1 and c.revoked_at is null and p.state = 2
           and (c.expires_at is null
                or c.expires_at > timestamptz 'epoch' + $4::bigint * interval '1 microsecond')
           and (p.kind <> 5
                or exists (select from study_grant g where g.principal_id = p.principal_id))) tokens
