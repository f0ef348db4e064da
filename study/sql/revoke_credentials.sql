-- revoke_credentials: voids the live credentials of one kind that a principal has.
-- scope: local
update credential
   set revoked_at = timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
 where principal_id = $1::uuid
   and kind = $2::smallint
   and revoked_at is null
