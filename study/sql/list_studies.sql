-- list_studies: a page of studies by name: all, or those where a principal has a role.
-- scope: reference, local
select study_id, name, (extract(epoch from created_at) * 1000000)::bigint as created_at_us
  from study
 where ($1::uuid is null
        or study_id in (select study_id from study_grant where principal_id = $1::uuid))
   and name > $2::text
 order by name
 limit $3::integer
