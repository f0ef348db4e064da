-- finish_erasure: what was destroyed and what is left.
-- scope: local
update erasure
   set done_at = timestamptz 'epoch' + $2::bigint * interval '1 microsecond',
       report = $3::bytea
 where erasure_id = $1::uuid
