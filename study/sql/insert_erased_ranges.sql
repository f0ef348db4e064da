-- insert_erased_ranges: a range of study time ([$5, $6)) is erased for good, of some streams ($3; zero:
-- of all that record something).
-- scope: one participant ($1)
insert into erased_range (participant_id, erasure_id, stream_id, study_id, begin_ns, end_ns)
select $1::uuid, $2::uuid, s.stream_id, $4::uuid, $5::bigint, $6::bigint
  from unnest($3::uuid[]) as s (stream_id)
