-- find_credentials: bearer credentials and the principals they prove.
-- scope: local
select c.public_id, c.kind, c.secret_sha256, c.revoked_at is not null as revoked,
       (extract(epoch from c.expires_at) * 1000000)::bigint as expires_at_us,
       p.principal_id, p.kind as principal_kind, p.study_id, p.participant_id, p.state
  from credential c
  join principal p on p.principal_id = c.principal_id
 where c.public_id = any ($1::text[])
   and c.kind in (1, 2, 4)
