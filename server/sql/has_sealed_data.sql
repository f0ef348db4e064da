-- has_sealed_data: whether anything is stored that a key of the participant has sealed.
-- scope: one participant ($1)
select exists (select from stream_state where participant_id = $1::uuid)
       or exists (select from audit where subject = $1::uuid) as has_sealed_data
