-- list_unsafe_settings: settings under which a commit does not mean "on disk".
-- scope: local
select name, setting
  from pg_settings
 where name in ('fsync', 'full_page_writes', 'synchronous_commit')
   and setting = 'off'
 order by name
