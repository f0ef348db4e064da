-- insert_study: changes nothing when the name is taken.
-- scope: reference
insert into study (study_id, name, created_at)
values ($1::uuid, $2::text, timestamptz 'epoch' + $3::bigint * interval '1 microsecond')
    on conflict (name) do nothing
