-- wrap_installation_key: exchanges the wrapping of a key that is still what was read.
-- scope: local
update installation_key
   set wrapped = $3::bytea
 where name = $1 and wrapped = $2::bytea
