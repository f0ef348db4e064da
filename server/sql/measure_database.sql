-- measure_database: bytes that the database takes on its disk.
-- scope: local
select pg_database_size(current_database())
