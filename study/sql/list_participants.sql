-- list_participants: a page of a study's participants by code.
-- scope: one study ($1), fan-out
select participant_id, study_id, code, state,
       (extract(epoch from created_at) * 1000000)::bigint as created_at_us
  from participant
 where study_id = $1::uuid
   and code > $2::text
 order by code
 limit $3::integer
