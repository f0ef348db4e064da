-- purge_credentials: removes some sessions and codes that expired before the time given.
-- scope: local
delete from credential
 where public_id in
       (select public_id
          from credential
         where expires_at < timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
         order by expires_at
         limit $2::integer
           for update skip locked)
