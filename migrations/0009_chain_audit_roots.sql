-- Roots of a study have numbers, each names the one before it among what is signed, and a day may have
-- several (docs/adr/0023). Roots that stand keep their form: they name none, and are the beginning.
alter table audit_root add column number bigint;
update audit_root r
   set number = n.number
  from (select study_id, utc_day, row_number() over (partition by study_id order by utc_day) as number
          from audit_root) n
 where n.study_id = r.study_id and n.utc_day = r.utc_day;
alter table audit_root
  alter column number set not null,
  add constraint audit_root_number_is_positive check (number >= 1),
  drop constraint audit_root_pkey,
  add primary key (study_id, number);
create index audit_root_by_day on audit_root (study_id, utc_day);
