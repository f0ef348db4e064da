-- Tidemark scale-out lint: checks schema rules R0-R12 from the catalogs of PLAIN PostgreSQL 15, and with E1-E4 that
-- the erasure of a participant can do what scale_map.on_erase says of each table.
-- Nothing but the system catalogs and scale_map is read; no extension is needed.
-- Input: table public.scale_map(relname, kind in ('dist','ref','local'), distcol, on_erase in ('cascade','delete','keep'));
-- every table of schema public is listed in it.
-- Output: one row per violation (rule, object, detail). No rows = pass.
-- Use: psql -X -At -v ON_ERROR_STOP=1 -d "$DSN" -f scale_lint.sql   after all migrations; fail the test if it prints anything.
-- Not seen here, review by eye: misspelt names inside scale_map, EXCLUDE constraints,
-- policies that call table-reading functions, column-level grants, tables outside schema public.
with recursive m as (select c.oid, s.* from scale_map s join pg_class c on c.relname=s.relname and c.relnamespace='public'::regnamespace),
erased as (select m.oid from m where m.relname='participant' union select k.conrelid from pg_constraint k join erased e on k.confrelid=e.oid where k.contype='f' and k.confdeltype='c'),
da as (select m.oid, m.relname, a.attnum, a.atttypid from m join pg_attribute a on a.attrelid=m.oid and a.attname=m.distcol where kind='dist')
select 'R0 table missing from scale_map' rule, c.relname::text obj, '' detail from pg_class c where c.relkind in('r','p') and not c.relispartition and c.relnamespace='public'::regnamespace and c.relname<>'scale_map' and c.oid not in (select oid from m)
union all select 'R1 distributed table lacks PK', m.relname, '' from m where kind='dist' and not exists(select 1 from pg_index i where i.indrelid=m.oid and i.indisprimary)
union all select 'R2 unique/PK without distribution column', d.relname, i.indexrelid::regclass::text from da d join pg_index i on i.indrelid=d.oid and i.indisunique where not (d.attnum = any((i.indkey::int2[])[0:i.indnkeyatts-1]))
union all select 'R3 distribution column nullable', d.relname, '' from da d join pg_attribute a on a.attrelid=d.oid and a.attnum=d.attnum where not a.attnotnull
union all select 'R4 FK not co-located on distribution column', m.relname, k.conname from pg_constraint k join m on m.oid=k.conrelid join m r on r.oid=k.confrelid left join da d on d.oid=m.oid left join da rd on rd.oid=r.oid where k.contype='f' and m.kind='dist' and r.kind='dist' and not exists(select 1 from generate_subscripts(k.conkey,1) g where k.conkey[g]=d.attnum and k.confkey[g]=rd.attnum)
union all select 'R5 FK from ref/local to distributed', m.relname, k.conname from pg_constraint k join m on m.oid=k.conrelid join m r on r.oid=k.confrelid where k.contype='f' and m.kind in('ref','local') and r.kind='dist'
union all select 'R6 FK from distributed to local', m.relname, k.conname from pg_constraint k join m on m.oid=k.conrelid join m r on r.oid=k.confrelid where k.contype='f' and m.kind='dist' and r.kind='local'
union all select 'R7 SET NULL/DEFAULT FK includes distribution column', m.relname, k.conname from pg_constraint k join m on m.oid=k.conrelid join da d on d.oid=m.oid where k.contype='f' and (k.confdeltype in('n','d') or k.confupdtype in('n','d')) and d.attnum=any(k.conkey)
union all select 'R8 user trigger on distributed/ref table', m.relname, t.tgname from pg_trigger t join m on m.oid=t.tgrelid where not t.tgisinternal and kind<>'local'
union all select 'R9 identity/serial narrower than bigint', m.relname, a.attname from m join pg_attribute a on a.attrelid=m.oid and a.attnum>0 left join pg_attrdef x on x.adrelid=a.attrelid and x.adnum=a.attnum where a.atttypid in('int4'::regtype,'int2'::regtype) and (a.attidentity<>'' or pg_get_expr(x.adbin,x.adrelid) like 'nextval%')
union all select 'R10 RLS policy contains a sub-select', c.relname, p.polname from pg_policy p join m on m.oid=p.polrelid join pg_class c on c.oid=p.polrelid where m.kind='dist' and (coalesce(p.polqual::text,'')||coalesce(p.polwithcheck::text,'')) like '%SUBLINK%'
union all select 'R11 NOLOGIN role granted on distributed table', m.relname, r.rolname from m join pg_class c on c.oid=m.oid, aclexplode(c.relacl) a join pg_roles r on r.oid=a.grantee where m.kind='dist' and not r.rolcanlogin
union all select 'R12 distribution column type differs', d.relname, format_type(d.atttypid,null) from da d where d.atttypid<>(select atttypid from da group by 1 order by count(*) desc limit 1)
union all select 'E1 erased by cascade, but no cascading FK path to participant', m.relname, '' from m where m.on_erase='cascade' and m.oid not in (select oid from erased)
union all select 'E2 erased by delete, but lacks participant_id', m.relname, '' from m where m.on_erase='delete' and m.kind='dist' and not exists(select 1 from pg_attribute a where a.attrelid=m.oid and a.attname='participant_id' and not a.attisdropped)
union all select 'E3 erased by delete, but names no participant, principal or device', m.relname, '' from m where m.on_erase='delete' and m.kind<>'dist' and not exists(select 1 from pg_attribute a where a.attrelid=m.oid and a.attname in('participant_id','principal_id','device_id') and not a.attisdropped)
union all select 'E4 FK that would block an erasure', m.relname, k.conname from pg_constraint k join m on m.oid=k.conrelid join m r on r.oid=k.confrelid where k.contype='f' and r.kind='dist' and r.on_erase<>'keep' and k.confdeltype<>'c'
order by 1,2;
