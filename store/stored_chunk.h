// From a slot of an opened segment to what its chunk holds.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/signal/samples.h"
#include "store/body.h"
#include "store/chunk_row.h"
#include "store/opened_segment.h"
#include "store/stream_info.h"

namespace tidemark::store {

// All of these check what they read (checksum, sizes, counts) and answer DATA_LOSS if it fails.

// `stream` is in the version that the chunk follows; the chunk holds samples.
absl::StatusOr<signal::Block> LoadSamples(const StreamInfo& stream, const ChunkRow& row,
                                          const OpenedSegment& segment);
// The chunk holds an encoded segment.
absl::StatusOr<EncodedSegment> LoadEncoded(const ChunkRow& row, const OpenedSegment& segment);
// The body as it was sent, of a chunk of any kind; nobody has compared its hash yet.
absl::StatusOr<std::string> LoadBody(const StreamInfo& stream, const ChunkRow& row,
                                     const OpenedSegment& segment);

}  // namespace tidemark::store
