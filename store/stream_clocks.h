// The boots and clocks that the chunks of a stream belong to.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "store/chunk_scan.h"
#include "store/placement.h"

namespace tidemark::store {

struct StreamClock {
  BootId boot_id;
  int32_t clock_id = 0;
  int64_t first_begin_ns = 0;  // smallest plausible stamp of the first and of the last chunk
  int64_t last_begin_ns = 0;
  std::optional<Placement> placement;
};

// A walk over the clocks of one stream in pages of at most kClocksPerPage, each with its place on
// study time. What it costs hangs on this stream alone, not on what else the participant's devices
// have declared.
class StreamClocks {
 public:
  static constexpr size_t kClocksPerPage = 1'000;

  // `placements` outlives this; `device` is the stream's.
  StreamClocks(const ChunkScan::Target& target, PlacementSource* placements, DeviceId device)
      : target_(target), placements_(placements), device_(device) {}

  // The next page; empty at the end.
  absl::StatusOr<std::vector<StreamClock>> Next();

 private:
  absl::Status Place(std::vector<StreamClock>& page) const;

  const ChunkScan::Target target_;
  PlacementSource* const placements_;
  const DeviceId device_;
  BootId last_boot_;
  int32_t last_clock_ = -1;
  bool ended_ = false;
};

}  // namespace tidemark::store
