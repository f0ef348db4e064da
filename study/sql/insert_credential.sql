-- insert_credential: a token or a code, by the hash of its secret.
-- scope: local
insert into credential (public_id, kind, principal_id, secret_sha256, created_at, expires_at,
                        renewable_until, label)
values ($1::text, $2::smallint, $3::uuid, $4::bytea,
        timestamptz 'epoch' + $5::bigint * interval '1 microsecond',
        timestamptz 'epoch' + $6::bigint * interval '1 microsecond',
        timestamptz 'epoch' + $7::bigint * interval '1 microsecond',
        $8::text)
