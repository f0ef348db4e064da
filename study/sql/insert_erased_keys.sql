-- insert_erased_keys: notes for an erasure ($2) which keys of a stream ($3) seal some segments.
-- scope: one participant ($1)
insert into erased_key (participant_id, erasure_id, stream_id, key_name, study_id)
select distinct $1::uuid, $2::uuid, $3::uuid, s.key_name, $4::uuid
  from segment s
 where s.participant_id = $1::uuid and s.segment_id = any ($5::uuid[])
    on conflict do nothing
