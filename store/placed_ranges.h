// From a range of study time to the ranges of device time that may lie in it.
#pragma once

#include <span>
#include <vector>

#include "core/signal/overview.h"
#include "store/chunk_scan.h"
#include "store/placement.h"

namespace tidemark::store {

// One range per placement, in the order in which the boots stand on study time. Rounding may let a
// range begin or end a nanosecond too wide: what is found is placed and compared again.
struct PlacedRange {
  Placement placement;
  ScanRange range;
};
std::vector<PlacedRange> InvertRange(std::span<const DevicePlacement> placements,
                                     const signal::TimeRange& study);

}  // namespace tidemark::store
