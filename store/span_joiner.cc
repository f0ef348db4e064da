#include "store/span_joiner.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "store/chunk_scan.h"

namespace tidemark::store {
namespace {

// Between two disjoint stretches; as wide as the whole axis at most.
uint64_t GapNs(const signal::TimeRange& before, const signal::TimeRange& after) {
  return static_cast<uint64_t>(after.begin_ns) - static_cast<uint64_t>(before.end_ns);
}

}  // namespace

void SpanJoiner::Add(const signal::TimeRange& span) {
  spans_.push_back(span);
  if (spans_.size() < 3 * spans_max_) return;
  Join();
  // Else room for many more remains until the next time.
  if (spans_.size() > 2 * spans_max_) Coarsen();
}

std::vector<signal::TimeRange> SpanJoiner::Finish() && {
  Join();
  if (spans_.size() > spans_max_) Coarsen();
  return std::move(spans_);
}

// Touching stretches are one whatever the gap.
bool SpanJoiner::IsNear(const signal::TimeRange& before, const signal::TimeRange& after) const {
  return after.begin_ns <= before.end_ns ||
         after.begin_ns < SaturatingAdd(before.end_ns, join_gap_ns_);
}

void SpanJoiner::Join() {
  std::sort(spans_.begin(), spans_.end(),
            [](const auto& a, const auto& b) { return a.begin_ns < b.begin_ns; });
  size_t kept = 0;
  for (const signal::TimeRange& span : spans_) {
    if (kept > 0 && IsNear(spans_[kept - 1], span)) {
      spans_[kept - 1].end_ns = std::max(spans_[kept - 1].end_ns, span.end_ns);
    } else {
      spans_[kept++] = span;
    }
  }
  spans_.resize(kept);
}

// Keeps the spans_max - 1 longest gaps, of equal ones the earlier. The stretches are joined, and
// there are more than spans_max of them.
void SpanJoiner::Coarsen() {
  std::vector<size_t> order(spans_.size() - 1);  // gap i lies behind stretch i
  std::iota(order.begin(), order.end(), size_t{0});
  const auto gap_ns = [&](size_t i) { return GapNs(spans_[i], spans_[i + 1]); };
  const auto first_joined = order.begin() + static_cast<ptrdiff_t>(spans_max_ - 1);
  std::nth_element(order.begin(), first_joined, order.end(), [&](size_t a, size_t b) {
    return std::pair(gap_ns(b), a) < std::pair(gap_ns(a), b);
  });
  constexpr uint64_t kLongest = std::numeric_limits<int64_t>::max();
  joined_gap_ns_ =
      std::max(joined_gap_ns_, static_cast<int64_t>(std::min(gap_ns(*first_joined), kLongest)));
  std::vector<bool> is_joined(spans_.size(), false);
  std::for_each(first_joined, order.end(), [&](size_t i) { is_joined[i + 1] = true; });
  size_t kept = 0;
  for (size_t i = 0; i < spans_.size(); ++i) {
    if (is_joined[i]) {
      spans_[kept - 1].end_ns = spans_[i].end_ns;
    } else {
      spans_[kept++] = spans_[i];
    }
  }
  spans_.resize(kept);
}

}  // namespace tidemark::store
