-- find_principal: kind, state and name of somebody, kept from changing until the transaction ends.
-- scope: local
select kind, state, display_name
  from principal
 where principal_id = $1::uuid
   for update
