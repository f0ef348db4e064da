-- lock_sign_in_code: a code and the person it is for, so that attempts are counted one by one.
-- scope: local
select c.secret_sha256, c.failed_attempts, c.revoked_at is not null as revoked,
       (extract(epoch from c.expires_at) * 1000000)::bigint as expires_at_us,
       p.principal_id, p.state
  from credential c
  join principal p on p.principal_id = c.principal_id
 where c.public_id = $1::text
   and c.kind = 5
   for update of c
