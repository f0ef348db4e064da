// Bundles: several envelopes as one piece of bytes, for uploads that a phone does in the
// background.
//
//   "TMB1", then per entry: size of the envelope (u32 little-endian), serialized ChunkEnvelope
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "ingest/wire_limits.h"
#include "tidemark/v1/chunk.pb.h"

namespace tidemark::ingest {

inline constexpr std::string_view kBundleMagic = "TMB1";

class BundleWriter {
 public:
  // False, and nothing is added, when the bundle would break a limit.
  bool TryAdd(const v1::ChunkEnvelope& envelope);

  size_t entries() const { return entries_; }
  size_t bytes() const { return bytes_.size(); }
  // The bundle; the writer is empty again.
  std::string Take();

 private:
  std::string bytes_{kBundleMagic};
  size_t entries_ = 0;
};

struct Bundle {
  // Those that arrived whole, from the front. An entry that is no ChunkEnvelope is an empty one
  // here, so that admission refuses it by itself and the others stand.
  std::vector<v1::ChunkEnvelope> envelopes;
  // The bytes end inside the magic, a size or an envelope: that entry was not received.
  bool truncated = false;
};
// INVALID_ARGUMENT for another magic, more than kBundleBytesMax or more than kBundleEntriesMax.
absl::StatusOr<Bundle> ParseBundle(std::string_view bytes);

}  // namespace tidemark::ingest
