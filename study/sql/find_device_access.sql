-- find_device_access: where a device stands, and the key that it signs with.
-- scope: local
select p.study_id, p.participant_id, p.state, k.public_key
  from principal p
  left join device_key k on k.device_id = p.principal_id and k.valid_until is null
 where p.principal_id = $1::uuid
   and p.kind = 1
