-- lock_keks: nobody wraps a key while a rotation begins or ends.
-- scope: local
select pg_advisory_xact_lock(7236837462518460771)
