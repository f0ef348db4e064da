// Stretches of time that come in any order, joined into a list of bounded length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/signal/overview.h"

namespace tidemark::store {

// Stretches closer than a gap become one. Where more than `spans_max` would be left, the shortest
// gaps are joined, too, so that the list always reaches from the first to the last. Holds at most
// three times `spans_max` of them.
class SpanJoiner {
 public:
  // join_gap_ns >= 0, spans_max >= 1.
  SpanJoiner(int64_t join_gap_ns, size_t spans_max)
      : join_gap_ns_(join_gap_ns), joined_gap_ns_(join_gap_ns), spans_max_(spans_max) {}

  // begin < end.
  void Add(const signal::TimeRange& span);
  // Ascending and disjoint.
  std::vector<signal::TimeRange> Finish() &&;
  // The gap below which stretches were joined, or the longest one that had to be.
  int64_t joined_gap_ns() const { return joined_gap_ns_; }

 private:
  bool IsNear(const signal::TimeRange& before, const signal::TimeRange& after) const;
  void Join();
  void Coarsen();

  const int64_t join_gap_ns_;
  int64_t joined_gap_ns_;
  const size_t spans_max_;
  std::vector<signal::TimeRange> spans_;
};

}  // namespace tidemark::store
