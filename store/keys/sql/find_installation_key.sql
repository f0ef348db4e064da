-- find_installation_key: a key of the installation.
-- scope: local
select wrapped
  from installation_key
 where name = $1
