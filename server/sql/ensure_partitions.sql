-- ensure_partitions: makes the partitions of `segment` for this month and some more.
-- scope: local
select tm_ensure_segment_partitions($1::integer)
