-- claim_request: takes a request id for this transaction; no row when it is taken. Waits for a
-- transaction that is about to take the same one.
-- scope: local
insert into request_memory (principal_id, request_id, method, request_sha256, response, created_at)
values ($1::uuid, $2::uuid, $3::text, $4::bytea, ''::bytea,
        timestamptz 'epoch' + $5::bigint * interval '1 microsecond')
    on conflict (principal_id, request_id) do nothing
returning request_id
