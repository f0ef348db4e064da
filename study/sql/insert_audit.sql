-- insert_audit: adds a link, whose subject this transaction has locked.
-- scope: one participant or study ($1)
insert into audit (subject, seq, study_id, prev_hash, body_hash, body, recorded_at,
                   link_version)
values ($1::uuid, $2::bigint, $3::uuid, $4::bytea, $5::bytea, $6::bytea,
        timestamptz 'epoch' + $7::bigint * interval '1 microsecond', 2)
