-- list_participant_keys_of_others: a page of participants' keys that do not begin as $1 does.
-- scope: local, fan-out
select participant_id, wrapped
  from participant_key
 where wrapped is not null and substr(wrapped, 1, length($1::bytea)) <> $1::bytea
   and participant_id > $2::uuid
 order by participant_id
 limit $3::integer
