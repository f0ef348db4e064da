-- erase_rows: deletes some rows of a participant, and says how many.
-- scope: one participant ($1)
select tm_erase_rows($1::uuid, $2::integer)
