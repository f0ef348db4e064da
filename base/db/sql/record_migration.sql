-- record_migration: notes, in the transaction that applied it, that a file was applied.
-- scope: local
insert into schema_migration (version, name, sha256, applied_at)
values ($1::int, $2::text, decode($3::text, 'hex'), now())
