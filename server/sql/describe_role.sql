-- describe_role: whether the role of this session could go around row-level security.
-- scope: local
select r.rolname, r.rolsuper, r.rolbypassrls,
       exists (select
                 from pg_class c
                where c.relnamespace = 'public'::regnamespace
                  and c.relkind in ('r', 'p')
                  and pg_has_role(r.rolname, c.relowner, 'member')) as is_owner
  from pg_roles r
 where r.rolname = current_user
