-- find_key_store: which store this is, and how far its databases should be.
-- scope: local
select key_store_id, restore_generation, heartbeat
  from key_store
