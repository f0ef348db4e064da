-- list_migrations: what has been applied to this database, oldest first.
-- scope: local
select version, name, encode(sha256, 'hex')
  from schema_migration
 order by version
