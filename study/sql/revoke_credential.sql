-- revoke_credential: voids one live token or session of a principal.
-- scope: local
update credential
   set revoked_at = timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
 where public_id = $1::text
   and principal_id = $2::uuid
   and kind in (1, 4)
   and revoked_at is null
