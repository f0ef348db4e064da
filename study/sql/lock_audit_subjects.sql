-- lock_audit_subjects: nobody else adds links about these subjects until this transaction ends. In the
-- order of the subjects.
-- scope: local
with ordered as materialized (
  select distinct subject from unnest($1::uuid[]) as s (subject) order by subject)
select pg_advisory_xact_lock(hashtextextended('audit/' || subject, 0))
  from ordered
