-- list_unforced_tables: participant tables whose rows are not kept apart, or that are not there.
-- scope: local
select m.relname
  from scale_map m
  left join pg_class c on c.oid = to_regclass(format('public.%I', m.relname))
 where m.kind = 'dist'
   and not coalesce(c.relrowsecurity and c.relforcerowsecurity
                    and exists (select from pg_policy p where p.polrelid = c.oid), false)
 order by m.relname
