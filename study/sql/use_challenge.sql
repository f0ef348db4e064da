-- use_challenge: changes nothing when the challenge opened a session before.
-- scope: local
insert into used_challenge (nonce, expires_at)
values ($1::bytea, timestamptz 'epoch' + $2::bigint * interval '1 microsecond')
    on conflict (nonce) do nothing
