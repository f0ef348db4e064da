-- reseal_segment: puts a segment that was sealed anew in the place of the old one, if it is still
-- sealed by the key $3.
-- scope: one participant ($1)
update segment
   set payload = $4::bytea,
       tiles = nullif($5::bytea, ''::bytea)
 where participant_id = $1::uuid and segment_id = $2::uuid and key_name = $3::bytea
