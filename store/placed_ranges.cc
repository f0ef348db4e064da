#include "store/placed_ranges.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "base/status_macros.h"
#include "store/stream_clocks.h"

namespace tidemark::store {
namespace {

ScanRange Widened(ScanRange range, int64_t margin_ns) {
  range.device.begin_ns = SaturatingAdd(range.device.begin_ns, -margin_ns);
  range.device.end_ns = SaturatingAdd(range.device.end_ns, margin_ns);
  return range;
}

// By the ends of what the clock has: most clocks of a long study are out at once.
bool MayHaveChunks(const StreamClock& clock, const signal::TimeRange& device) {
  return clock.first_begin_ns <= device.end_ns &&
         clock.last_begin_ns >= SaturatingAdd(device.begin_ns, -kChunkSpanNsMax);
}

// Adds those of a page that have chunks in reach.
absl::Status AddPage(const ChunkScan::Target& target, const std::vector<StreamClock>& page,
                     const signal::TimeRange& study, int64_t margin_ns,
                     std::vector<PlacedRange>& found) {
  std::vector<PlacedRange> placed;
  std::vector<ScanRange> wide;
  for (const StreamClock& clock : page) {
    if (!clock.placement) continue;
    const PlacedRange each = InvertRange(*clock.placement, study);
    const ScanRange reach = Widened(each.range, margin_ns);
    if (!MayHaveChunks(clock, reach.device)) continue;
    placed.push_back(each);
    wide.push_back(reach);
  }
  TM_ASSIGN_OR_RETURN(const std::vector<size_t> live, RangesWithChunks(target, wide));
  for (const size_t at : live) found.push_back(placed[at]);
  return absl::OkStatus();
}

// The first device time that stands at or after `study_ns`. Inverting is off by the rounding only,
// so that few steps are made.
int64_t FirstDeviceTime(const Placement& placement, int64_t study_ns) {
  constexpr int64_t kRoundingNsMax = 4;
  int64_t device_ns = SaturatingAdd(placement.ToDevice(study_ns), -kRoundingNsMax);
  while (device_ns < std::numeric_limits<int64_t>::max() &&
         placement.ToStudy(device_ns) < study_ns) {
    const int64_t off_ns = placement.ToDevice(study_ns) - device_ns;
    if (off_ns < -kRoundingNsMax) break;  // study time ends before: it saturates
    ++device_ns;
  }
  return device_ns;
}

}  // namespace

signal::TimeRange ExactDeviceRange(const Placement& placement, const signal::TimeRange& study) {
  return {FirstDeviceTime(placement, study.begin_ns), FirstDeviceTime(placement, study.end_ns)};
}

PlacedRange InvertRange(const Placement& placement, const signal::TimeRange& study) {
  const signal::TimeRange device{SaturatingAdd(placement.ToDevice(study.begin_ns), -1),
                                 SaturatingAdd(placement.ToDevice(study.end_ns), 1)};
  return {placement, {placement.boot_id, placement.clock_id, device}};
}

absl::StatusOr<std::vector<PlacedRange>> FindPlacedRanges(const ChunkScan::Target& target,
                                                          PlacementSource* placements,
                                                          DeviceId device,
                                                          const signal::TimeRange& study,
                                                          int64_t margin_ns) {
  std::vector<PlacedRange> found;
  StreamClocks clocks(target, placements, device);
  while (true) {
    TM_ASSIGN_OR_RETURN(const std::vector<StreamClock> page, clocks.Next());
    if (page.empty()) break;
    TM_RETURN_IF_ERROR(AddPage(target, page, study, margin_ns, found));
    if (found.size() > kPlacedRangesMax) {
      return absl::ResourceExhaustedError(
          "too many boots of this stream lie in the range: ask for a shorter one");
    }
  }
  // A boot's anchor is its first evidence, so anchors follow the order of boots.
  std::sort(found.begin(), found.end(), [](const PlacedRange& a, const PlacedRange& b) {
    return std::tie(a.placement.anchor_study_ns, a.placement.boot_id, a.placement.clock_id) <
           std::tie(b.placement.anchor_study_ns, b.placement.boot_id, b.placement.clock_id);
  });
  return found;
}

}  // namespace tidemark::store
