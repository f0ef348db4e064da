-- lock_keks_shared: no rotation begins or ends while this transaction wraps a key.
-- scope: local
select pg_advisory_xact_lock_shared(7236837462518460771)
