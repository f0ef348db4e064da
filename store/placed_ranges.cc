#include "store/placed_ranges.h"

#include <algorithm>
#include <tuple>

namespace tidemark::store {

std::vector<PlacedRange> InvertRange(std::span<const DevicePlacement> placements,
                                     const signal::TimeRange& study) {
  std::vector<PlacedRange> placed;
  placed.reserve(placements.size());
  for (const DevicePlacement& each : placements) {
    const Placement& placement = each.placement;
    const signal::TimeRange device{SaturatingAdd(placement.ToDevice(study.begin_ns), -1),
                                   SaturatingAdd(placement.ToDevice(study.end_ns), 1)};
    placed.push_back({placement, {placement.boot_id, placement.clock_id, device}});
  }
  // A boot's anchor is its first evidence, so anchors follow the order of boots.
  std::sort(placed.begin(), placed.end(), [](const PlacedRange& a, const PlacedRange& b) {
    return std::tie(a.placement.anchor_study_ns, a.placement.boot_id, a.placement.clock_id) <
           std::tie(b.placement.anchor_study_ns, b.placement.boot_id, b.placement.clock_id);
  });
  return placed;
}

}  // namespace tidemark::store
