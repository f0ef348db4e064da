-- find_newest_audit_root: the root that the next one names.
-- scope: local
select number, utc_day, heads
  from audit_root
 where study_id = $1::uuid
 order by number desc
 limit 1
