-- list_tokens: a page of the live tokens and sessions of a principal, oldest first.
-- scope: local
select public_id, kind, label,
       (extract(epoch from created_at) * 1000000)::bigint as created_at_us,
       (extract(epoch from expires_at) * 1000000)::bigint as expires_at_us
  from credential
 where principal_id = $1::uuid
   and kind in (1, 4)
   and revoked_at is null
   and (expires_at is null or expires_at > timestamptz 'epoch' + $2::bigint * interval '1 microsecond')
   and ((extract(epoch from created_at) * 1000000)::bigint, public_id) > ($3::bigint, $4::text)
 order by created_at, public_id
 limit $5::integer
