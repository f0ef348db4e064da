-- set_grant: gives a role, or changes the kinds of data of one that was given.
-- scope: local
insert into study_grant (study_id, principal_id, role, data_kinds, granted_by, granted_at)
values ($1::uuid, $2::uuid, $3::smallint, $4::integer, $5::uuid,
        timestamptz 'epoch' + $6::bigint * interval '1 microsecond')
on conflict (study_id, principal_id, role)
   do update set data_kinds = excluded.data_kinds
returning (extract(epoch from granted_at) * 1000000)::bigint as granted_at_us
