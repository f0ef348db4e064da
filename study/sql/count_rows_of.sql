-- count_rows_of: how many rows of each table name a participant.
-- scope: one participant ($1)
select table_name, erase_rule, row_total
  from tm_count_rows_of($1::uuid)
