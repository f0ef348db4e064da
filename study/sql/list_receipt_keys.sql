-- list_receipt_keys: all keys there ever were.
-- scope: reference
select key_id, public_key, (extract(epoch from valid_from) * 1000000)::bigint as valid_from_us,
       (extract(epoch from valid_until) * 1000000)::bigint as valid_until_us
  from receipt_key
 order by valid_from, key_id
