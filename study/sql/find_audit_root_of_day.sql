-- find_audit_root_of_day: whether a study is signed for a day.
-- scope: local
select number
  from audit_root
 where study_id = $1::uuid
   and utc_day = $2::integer
 limit 1
