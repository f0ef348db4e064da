-- list_audit_roots: some signed roots of a study after a day, oldest first.
-- scope: local
select utc_day, signature, key_id, heads
  from audit_root
 where study_id = $1::uuid
   and utc_day > $2::integer
 order by utc_day
 limit $3::integer
