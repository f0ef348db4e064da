-- find_receipt_key_end: when a key ends, if its end is set.
-- scope: reference
select (extract(epoch from valid_until) * 1000000)::bigint as valid_until_us
  from receipt_key
 where key_id = $1::text
