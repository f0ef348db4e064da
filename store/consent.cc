#include "store/consent.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace tidemark::store {
namespace {

using signal::TimeRange;

constexpr int64_t kFirstInstantNs = std::numeric_limits<int64_t>::min();
constexpr int64_t kNoEndNs = std::numeric_limits<int64_t>::max();

// A decision begins or ends to hold.
struct Border {
  int64_t t_ns = 0;
  size_t decision = 0;  // by version
  bool begins = false;
};

std::vector<Border> BordersOf(std::span<const ConsentDecision> decisions) {
  std::vector<Border> borders;
  for (size_t i = 0; i < decisions.size(); ++i) {
    borders.push_back({decisions[i].from_ns, i, true});
    if (decisions[i].until_ns) borders.push_back({*decisions[i].until_ns, i, false});
  }
  std::sort(borders.begin(), borders.end(),
            [](const Border& a, const Border& b) { return a.t_ns < b.t_ns; });
  return borders;
}

// Walks along the borders with the decisions that hold: the newest of them decides up to the next
// border. `decisions` are sorted by version.
ConsentTimes GrantedTimes(std::span<const ConsentDecision> decisions) {
  const std::vector<Border> borders = BordersOf(decisions);
  std::vector<TimeRange> granted;
  std::set<size_t> holding;
  for (size_t i = 0; i < borders.size(); ++i) {
    if (borders[i].begins) {
      holding.insert(borders[i].decision);
    } else {
      holding.erase(borders[i].decision);
    }
    const int64_t next_ns = i + 1 < borders.size() ? borders[i + 1].t_ns : kNoEndNs;
    if (next_ns == borders[i].t_ns || holding.empty()) continue;
    if (decisions[*holding.rbegin()].granted) granted.push_back({borders[i].t_ns, next_ns});
  }
  return ConsentTimes(granted);
}

}  // namespace

// Times -------------------------------------------------------------------------------------------

ConsentTimes::ConsentTimes(std::span<const TimeRange> ranges) {
  for (const TimeRange& range : ranges) {
    if (range.begin_ns >= range.end_ns) continue;
    if (!ranges_.empty() && ranges_.back().end_ns >= range.begin_ns) {
      ranges_.back().end_ns = std::max(ranges_.back().end_ns, range.end_ns);
    } else {
      ranges_.push_back(range);
    }
  }
}

ConsentTimes ConsentTimes::Always() {
  const TimeRange all{kFirstInstantNs, kNoEndNs};
  return ConsentTimes(std::span(&all, 1));
}

bool ConsentTimes::IsAlways() const {
  return ranges_.size() == 1 && ranges_[0] == TimeRange{kFirstInstantNs, kNoEndNs};
}

std::vector<TimeRange>::const_iterator ConsentTimes::EndingAfter(int64_t t_ns) const {
  return std::upper_bound(ranges_.begin(), ranges_.end(), t_ns,
                          [](int64_t t, const TimeRange& range) { return t < range.end_ns; });
}

bool ConsentTimes::Contains(int64_t t_ns) const {
  if (t_ns == kNoEndNs) return !ranges_.empty() && ranges_.back().end_ns == kNoEndNs;
  const auto range = EndingAfter(t_ns);
  return range != ranges_.end() && range->begin_ns <= t_ns;
}

bool ConsentTimes::Touches(const TimeRange& range) const {
  const auto found = EndingAfter(range.begin_ns);
  return found != ranges_.end() && found->begin_ns < range.end_ns;
}

bool ConsentTimes::Covers(const TimeRange& range) const {
  const auto found = EndingAfter(range.begin_ns);
  return found != ranges_.end() && found->begin_ns <= range.begin_ns &&
         range.end_ns <= found->end_ns;
}

void ConsentTimes::Split(const TimeRange& range,
                         absl::FunctionRef<void(const TimeRange&, bool)> visit) const {
  int64_t at_ns = range.begin_ns;
  for (auto next = EndingAfter(at_ns); at_ns < range.end_ns; ++next) {
    const bool is_last = next == ranges_.end() || next->begin_ns >= range.end_ns;
    const int64_t begin_ns = is_last ? range.end_ns : std::max(next->begin_ns, at_ns);
    if (at_ns < begin_ns) visit({at_ns, begin_ns}, false);
    if (is_last) return;
    at_ns = std::min(next->end_ns, range.end_ns);
    visit({begin_ns, at_ns}, true);
  }
}

ConsentTimes ConsentTimes::Without(const ConsentTimes& other) const {
  std::vector<TimeRange> left;
  for (const TimeRange& range : ranges_) {
    other.Split(range, [&](const TimeRange& part, bool inside) {
      if (!inside) left.push_back(part);
    });
  }
  return ConsentTimes(left);
}

// Timeline ----------------------------------------------------------------------------------------

ConsentTimeline::ConsentTimeline(std::span<const ConsentDecision> decisions,
                                 std::span<const ErasedRange> erased)
    : erased_(erased.begin(), erased.end()) {
  std::sort(erased_.begin(), erased_.end(), [](const ErasedRange& a, const ErasedRange& b) {
    return a.study.begin_ns < b.study.begin_ns;
  });
  std::map<v1::DataKind, std::vector<ConsentDecision>> by_kind;
  for (const ConsentDecision& decision : decisions) by_kind[decision.kind].push_back(decision);
  for (auto& [kind, of_kind] : by_kind) {
    std::sort(of_kind.begin(), of_kind.end(),
              [](const auto& a, const auto& b) { return a.version < b.version; });
    granted_[kind] = GrantedTimes(of_kind);
  }
}

bool ConsentTimeline::IsAnyGranted() const {
  return std::any_of(granted_.begin(), granted_.end(),
                     [](const auto& of_kind) { return !of_kind.second.IsNever(); });
}

const ConsentTimes& ConsentTimeline::Granted(v1::DataKind kind) const {
  static const auto* const never = new ConsentTimes();
  const auto found = granted_.find(kind);
  return found == granted_.end() ? *never : found->second;
}

ConsentTimes ConsentTimeline::Judged(v1::DataKind kind, absl::Time now) const {
  const ConsentTimes& granted = Granted(kind);
  if (granted.IsNever()) return granted;
  const TimeRange before{kFirstInstantNs, kEarliestBelievedNs};
  const TimeRange after{absl::ToUnixNanos(now + kLatestBelievedAhead), kNoEndNs};
  std::vector<TimeRange> ranges(granted.ranges().begin(), granted.ranges().end());
  ranges.push_back(before);
  ranges.push_back(after);
  std::sort(ranges.begin(), ranges.end(),
            [](const TimeRange& a, const TimeRange& b) { return a.begin_ns < b.begin_ns; });
  return ConsentTimes(ranges);
}

ConsentTimes ConsentTimeline::ErasedOf(StreamId stream) const {
  std::vector<TimeRange> ranges;
  for (const ErasedRange& range : erased_) {
    if (range.stream_id.IsZero() || range.stream_id == stream) ranges.push_back(range.study);
  }
  return ConsentTimes(ranges);
}

ConsentTimes ConsentTimeline::ArrivalsWithoutPlace(v1::DataKind kind, StreamId stream) const {
  const ConsentTimes& granted = Granted(kind);
  if (granted.IsNever()) return granted;
  TimeRange unbroken = granted.ranges().front();
  const ConsentTimes erased = ErasedOf(stream);
  if (!erased.IsNever()) {
    unbroken.end_ns = std::min(unbroken.end_ns, erased.ranges().front().begin_ns);
  }
  return ConsentTimes(std::span(&unbroken, 1));
}

}  // namespace tidemark::store
