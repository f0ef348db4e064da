-- end_receipt_keys: sets an end to every key but the one that signs from now on.
-- scope: reference
update receipt_key
   set valid_until = timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
 where key_id <> $1::text
   and valid_until is null
