-- list_unsigned_studies: studies without a signed root for a day.
-- scope: reference, local
select study_id
  from study s
 where not exists (select from audit_root r where r.study_id = s.study_id and r.utc_day = $1::integer)
 order by study_id
