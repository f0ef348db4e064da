-- list_sealing_keys: the data keys that seal segments of a participant.
-- scope: one participant ($1)
select distinct stream_id, key_name
  from segment
 where participant_id = $1::uuid
 order by stream_id, key_name
