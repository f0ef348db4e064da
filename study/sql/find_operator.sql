-- find_operator: whether anybody operates this server.
-- scope: local
select principal_id
  from principal
 where kind = 3
   and state = 2
 limit 1
