-- set_principal_state: active (2) or revoked (3).
-- scope: local
update principal
   set state = $2::smallint,
       revoked_at = case when $2::smallint = 3
                         then timestamptz 'epoch' + $3::bigint * interval '1 microsecond' end
 where principal_id = $1::uuid
