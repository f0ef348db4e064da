-- probe: the database answers.
-- scope: local
select 1
