-- relax_commit: the commit of this transaction does not wait for the disk; a crash may take it back.
-- For steps that are repeated then. Transactions that commit later carry it with them.
-- scope: local
select set_config('synchronous_commit', 'off', true)
