-- sum_stored_bytes: bytes at rest of a stream, its tiles included. Segments are answered by the index
-- segment_by_key alone.
-- scope: one participant ($1)
select (coalesce((select sum(stored_bytes)
                    from segment
                   where participant_id = $1::uuid and stream_id = $2::uuid), 0)
        + coalesce((select sum(tile_bytes)
                      from sealed_run
                     where participant_id = $1::uuid and stream_id = $2::uuid), 0))::bigint
