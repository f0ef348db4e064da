// From what is stored back to the body that a device sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/signal/samples.h"
#include "store/chunk_row.h"

namespace tidemark::store {

// Limits of chunk.proto: nothing stored is larger.
inline constexpr size_t kBodyBytesMax = 1024 * 1024;
inline constexpr size_t kSamplesPerChunkMax = 65'536;

// The serialized v1::ChunkBody (version 1, samples) whose fields are those of `row` and `block`:
// byte for byte what protobuf writes, in one pass into one buffer. Admission compares it with what
// was sent to see whether the body can be left out of storage; a verifier hashes it. Of `row` only
// stream and its version, writer, number, boot, clock and first counter are read.
std::string RebuildBody(const ChunkRow& row, const signal::Block& block);

// The samples of a body that was stored whole (SlotForm::kBody). DATA_LOSS unless it is a body of
// samples with as many values as `channels` need.
absl::StatusOr<signal::Block> SamplesOfBody(std::string_view bytes,
                                            std::span<const signal::SampleType> channels);

// An encoded segment of such a body.
struct EncodedSegment {
  int64_t begin_device_ns = 0;
  int64_t end_device_ns = 0;
  std::string data;
};
absl::StatusOr<EncodedSegment> EncodedOfBody(std::string_view bytes);

}  // namespace tidemark::store
