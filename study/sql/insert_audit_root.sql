-- insert_audit_root: the signed ends of some chains of a study, next to those before.
-- scope: local
insert into audit_root (study_id, number, utc_day, signature, key_id, heads, signed_at)
values ($1::uuid, $2::bigint, $3::integer, $4::bytea, $5::text, $6::bytea,
        timestamptz 'epoch' + $7::bigint * interval '1 microsecond')
