-- delete_directory_entry: frees the code of an erased participant.
-- scope: local
delete from participant_directory
 where participant_id = $1::uuid
