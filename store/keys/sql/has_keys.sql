-- has_keys: whether this store was used before.
-- scope: local
select exists (select from key_store) or exists (select from installation_key)
       or exists (select from participant_key) as has_keys
