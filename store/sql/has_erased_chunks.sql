-- has_erased_chunks: whether any chunk of a stream is marked as erased.
-- scope: one participant ($1). The comparison is what the index chunk_erased is made for.
select exists (select from chunk
                where participant_id = $1::uuid and stream_id = $2::uuid
                  and flags >= 4 and flags & 4 <> 0)
