-- redeem_code: the key that a code enrolled.
-- scope: local
update credential
   set redeemed_key = $2::bytea
 where public_id = $1::text
