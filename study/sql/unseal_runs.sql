-- unseal_runs: takes the runs away that some segments ($2) belong to, with their tiles, and leaves all
-- segments of these runs live: what a run says holds for all of its chunks (docs/adr/0026).
-- scope: one participant ($1). The participant is locked, as it is while something is sealed.
with gone as (
  delete from sealed_run r
   using (select distinct s.run_id
            from segment s
           where s.participant_id = $1::uuid and s.segment_id = any ($2::uuid[])
             and s.run_id is not null) of_segments
   where r.participant_id = $1::uuid and r.run_id = of_segments.run_id
  returning r.run_id
), without_tiles as (
  delete from tile t
   using gone
   where t.participant_id = $1::uuid and t.run_id = gone.run_id
)
update segment s
   set sealed = false,
       run_id = null
  from gone
 where s.participant_id = $1::uuid and s.run_id = gone.run_id
