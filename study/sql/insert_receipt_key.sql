-- insert_receipt_key: the public half of a key that signs receipts from now on; one that was known,
-- and had ended, goes on.
-- scope: reference
insert into receipt_key (key_id, public_key, valid_from)
values ($1::text, $2::bytea, timestamptz 'epoch' + $3::bigint * interval '1 microsecond')
    on conflict (key_id) do update
   set valid_until = null
 where receipt_key.valid_until is not null
