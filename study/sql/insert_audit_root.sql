-- insert_audit_root: the signed ends of the chains of a study; the first of a day stays.
-- scope: local
insert into audit_root (study_id, utc_day, signature, key_id, heads, signed_at)
values ($1::uuid, $2::integer, $3::bytea, $4::text, $5::bytea,
        timestamptz 'epoch' + $6::bigint * interval '1 microsecond')
    on conflict (study_id, utc_day) do nothing
