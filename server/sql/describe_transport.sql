-- describe_transport: whether this session crosses a network, and whether it is encrypted.
-- scope: local
select coalesce(not (inet_server_addr() <<= '127.0.0.0/8' or inet_server_addr() = '::1'), false)
         as crosses_network,
       coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as is_encrypted
