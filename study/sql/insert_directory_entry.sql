-- insert_directory_entry: claims a code in a study; changes nothing when it is taken.
-- scope: local
insert into participant_directory (study_id, code, participant_id)
values ($1::uuid, $2::text, $3::uuid)
    on conflict (study_id, code) do nothing
