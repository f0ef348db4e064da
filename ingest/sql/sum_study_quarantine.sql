-- sum_study_quarantine: what a study holds in quarantine. A fan-out, asked only when something is
-- set aside.
-- scope: the study ($1)
select coalesce(sum(held_bytes), 0)::int8 from quarantine_usage where study_id = $1::uuid
