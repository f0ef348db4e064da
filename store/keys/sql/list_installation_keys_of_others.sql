-- list_installation_keys_of_others: keys of the installation that do not begin as $1 does.
-- scope: local
select name, wrapped
  from installation_key
 where substr(wrapped, 1, length($1::bytea)) <> $1::bytea
 order by name
