-- list_grants: a page of the principals of a study, with one row per role.
-- scope: local
select g.principal_id, g.role, g.data_kinds,
       (extract(epoch from g.granted_at) * 1000000)::bigint as granted_at_us,
       p.kind, p.state, p.display_name
  from (select distinct principal_id
          from study_grant
         where study_id = $1::uuid
           and principal_id > $2::uuid
         order by principal_id
         limit $3::integer) page
  join study_grant g on g.principal_id = page.principal_id and g.study_id = $1::uuid
  join principal p on p.principal_id = g.principal_id
 order by g.principal_id, g.role
