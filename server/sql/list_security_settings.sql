-- list_security_settings: settings of the database that the security checks look at.
-- scope: local
select name, setting
  from pg_settings
 where name in ('fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums',
                'log_statement', 'log_min_duration_statement', 'log_min_duration_sample',
                'log_parameter_max_length', 'log_parameter_max_length_on_error')
 order by name
