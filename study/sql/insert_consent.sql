-- insert_consent: the next version of a decision on one kind of data.
-- scope: one participant ($1)
insert into consent (participant_id, data_kind, version, study_id, decision, valid_from_ns,
                     valid_until_ns, document, recorded_by, recorded_at)
select $1::uuid, $2::smallint, coalesce(max(version), 0) + 1, $3::uuid, $4::smallint, $5::bigint,
       $6::bigint, $7::text, $8::uuid,
       timestamptz 'epoch' + $9::bigint * interval '1 microsecond'
  from consent
 where participant_id = $1::uuid
   and data_kind = $2::smallint
returning version
