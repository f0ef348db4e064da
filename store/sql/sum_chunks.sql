-- sum_chunks: what exists of each stream, boot and clock.
-- scope: one participant ($1)
select stream_id, device_id, boot_id, clock_id, count(*), sum(sample_count)::bigint,
       sum(body_bytes)::bigint, min(t_min_ns), max(t_max_ns), max(arrived_at)
  from chunk
 where participant_id = $1::uuid
 group by stream_id, device_id, boot_id, clock_id
 order by stream_id, device_id, boot_id, clock_id
