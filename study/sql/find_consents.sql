-- find_consents: every decision of a participant.
-- scope: one participant ($1)
select data_kind, version, decision, valid_from_ns, valid_until_ns, document,
       (extract(epoch from recorded_at) * 1000000)::bigint as recorded_at_us
  from consent
 where participant_id = $1::uuid
 order by data_kind, version
