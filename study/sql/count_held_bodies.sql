-- count_held_bodies: how many bodies are held in quarantine that name one of some streams; with no
-- streams, all of them.
-- scope: one participant ($1)
select count(*)
  from quarantine
 where participant_id = $1::uuid and state = 1
   and (cardinality($2::uuid[]) = 0 or stream_id = any ($2::uuid[]))
