-- count_tokens: how many live tokens a principal has.
-- scope: local
select count(*)
  from credential
 where principal_id = $1::uuid
   and kind = 1
   and revoked_at is null
   and (expires_at is null or expires_at > timestamptz 'epoch' + $2::bigint * interval '1 microsecond')
