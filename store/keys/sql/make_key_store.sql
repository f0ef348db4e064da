-- make_key_store: gives the store its identity, once.
-- scope: local
insert into key_store (key_store_id) values ($1::uuid)
on conflict do nothing
