-- count_streams: how many streams a device has declared.
-- scope: one participant ($1)
select count(*)
  from stream
 where participant_id = $1::uuid
   and device_id = $2::uuid
