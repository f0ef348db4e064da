// Reading chunk bodies strictly: which chunk it is, and whether all of it is understood.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ingest/chunk.h"
#include "tidemark/v1/chunk.pb.h"

namespace tidemark::ingest {

// The fields of a body that keep their meaning in every version.
struct BodyName {
  ChunkKey key;
  uint32_t version = 0;
};
// Looks at the outermost fields only, so that a body of another version, or with a broken payload,
// still names its chunk. Nothing unless the bytes are a protobuf message with a stream and a writer
// of 16 bytes and a number below kNumberEnd.
std::optional<BodyName> ReadBodyName(std::string_view body);

enum class Understanding {
  kAll,
  // Only record kinds that are set aside for later stand out (see Record).
  kNotYetSupported,
  // A field or an enum value that this server does not know, at any depth.
  kUnknown,
};
Understanding UnderstandingOf(const v1::ChunkBody& body);

}  // namespace tidemark::ingest
