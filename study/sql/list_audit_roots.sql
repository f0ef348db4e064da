-- list_audit_roots: some signed roots of a study after a number, oldest first.
-- scope: local
select number, utc_day, signature, key_id, heads
  from audit_root
 where study_id = $1::uuid
   and number > $2::bigint
 order by number
 limit $3::integer
