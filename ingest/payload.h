// Checks and encodes the payload of a body against the declaration of its stream.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ingest/chunk.h"
#include "store/stream_info.h"
#include "tidemark/v1/chunk.pb.h"

namespace tidemark::ingest {

// Fills everything of `chunk` that follows from the payload; `chunk.row` has the fields of the body
// already. `raw` is the body as it was sent. Moves from `body`.
//
// Returns the rule that the payload breaks, if any: then `chunk` is of no use.
std::optional<SetAside> EncodePayload(const store::StreamInfo& stream, std::string_view raw,
                                      v1::ChunkBody& body, AdmittedChunk& chunk);

}  // namespace tidemark::ingest
