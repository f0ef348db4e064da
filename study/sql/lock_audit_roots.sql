-- lock_audit_roots: nobody else signs this study until this transaction ends.
-- scope: local
select pg_advisory_xact_lock(hashtextextended('audit_root/' || $1::uuid, 0))
