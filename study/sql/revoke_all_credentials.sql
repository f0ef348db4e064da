-- revoke_all_credentials: voids whatever a principal could prove itself with.
-- scope: local
update credential
   set revoked_at = timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
 where principal_id = $1::uuid
   and revoked_at is null
