-- find_session: until when a live session of a person can be renewed, kept from being renewed twice.
-- scope: local
select (extract(epoch from renewable_until) * 1000000)::bigint as renewable_until_us
  from credential
 where public_id = $1::text
   and principal_id = $2::uuid
   and kind = 4
   and revoked_at is null
   for update
