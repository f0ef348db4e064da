// From a range of study time to the ranges of device time that may lie in it.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "core/signal/overview.h"
#include "store/chunk_scan.h"
#include "store/placement.h"

namespace tidemark::store {

struct PlacedRange {
  Placement placement;
  ScanRange range;
};

// The range of device time of one clock. Rounding may let it begin or end a nanosecond too wide:
// what is found is placed and compared again.
PlacedRange InvertRange(const Placement& placement, const signal::TimeRange& study);

// The same to the nanosecond: exactly those device times that stand in the range.
signal::TimeRange ExactDeviceRange(const Placement& placement, const signal::TimeRange& study);

// One range for each clock of the stream that has chunks within `margin_ns` of its range, in the
// order in which the boots stand on study time.
//   RESOURCE_EXHAUSTED  more than kPlacedRangesMax: a shorter range of study time has fewer
absl::StatusOr<std::vector<PlacedRange>> FindPlacedRanges(const ChunkScan::Target& target,
                                                          PlacementSource* placements,
                                                          DeviceId device,
                                                          const signal::TimeRange& study,
                                                          int64_t margin_ns);

// A device that boots hourly for seven years stays below.
inline constexpr size_t kPlacedRangesMax = 65'536;

}  // namespace tidemark::store
