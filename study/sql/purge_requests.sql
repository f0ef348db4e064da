-- purge_requests: removes some remembered answers that are too old, without waiting for anybody.
-- scope: local
delete from request_memory
 where (principal_id, request_id) in
       (select principal_id, request_id
          from request_memory
         where created_at < timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
         order by created_at
         limit $2::integer
           for update skip locked)
