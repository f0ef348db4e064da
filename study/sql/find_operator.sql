-- find_operator: two of those who operate this server, which tells whether one would remain.
-- scope: local
select principal_id
  from principal
 where kind = 3
   and state = 2
 order by principal_id
 limit 2
