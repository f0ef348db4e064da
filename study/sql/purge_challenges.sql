-- purge_challenges: removes some used challenges that have expired anyway.
-- scope: local
delete from used_challenge
 where nonce in
       (select nonce
          from used_challenge
         where expires_at < timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
         order by expires_at
         limit $2::integer
           for update skip locked)
