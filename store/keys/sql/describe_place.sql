-- describe_place: which database of which cluster this is.
-- scope: local
select (select system_identifier::text from pg_control_system()) as cluster,
       (select oid::text from pg_database where datname = current_database()) as database
