-- describe_key_store: the folder of keys this database belongs to, if that is known, and whether a
-- server has worked with any.
-- scope: local
select (select key_store_id from key_store_mark) as key_store_id,
       exists (select from receipt_key) as was_used
