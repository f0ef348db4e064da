-- list_segment_keys: the names of the keys that seal the segments of a stream. One step of the
-- index segment_by_key for each, however many segments it seals.
-- scope: one participant ($1)
with recursive key as (
  (select key_name
     from segment
    where participant_id = $1::uuid and stream_id = $2::uuid
    order by key_name
    limit 1)
  union all
  select n.key_name
    from key k
   cross join lateral (
         select key_name
           from segment
          where participant_id = $1::uuid and stream_id = $2::uuid and key_name > k.key_name
          order by key_name
          limit 1) n
)
select key_name
  from key
