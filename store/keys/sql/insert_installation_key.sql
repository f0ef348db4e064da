-- insert_installation_key: adds a key of the installation unless there is one.
-- scope: local
insert into installation_key (name, wrapped) values ($1, $2::bytea)
on conflict do nothing
