-- settle_key_store: the folder of keys that this database belongs to from now on, unless one is.
-- scope: local
insert into key_store_mark (key_store_id) values ($1::uuid)
on conflict do nothing
