-- next_consent_version: of a decision on one kind of data; the transaction has locked the participant.
-- scope: one participant ($1)
select coalesce(max(version), 0) + 1 as version
  from consent
 where participant_id = $1::uuid
   and data_kind = $2::smallint
