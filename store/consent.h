// When a participant agreed to what: decisions as they were recorded, what of the time was erased
// since, and what both amount to.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "base/ids.h"
#include "core/signal/overview.h"
#include "tidemark/v1/authz.pb.h"

namespace tidemark::store {

// One decision on one kind of data. Study time; from_ns < until_ns.
struct ConsentDecision {
  v1::DataKind kind = v1::DATA_KIND_UNSPECIFIED;
  uint32_t version = 0;  // 1, 2, 3, ... per kind
  bool granted = false;
  int64_t from_ns = 0;
  std::optional<int64_t> until_ns;  // nothing: no end
};

// A range of study time that was erased.
struct ErasedRange {
  StreamId stream_id;  // zero: every stream but those of clock records
  signal::TimeRange study;
};

// Stretches of study time, ascending and not touching; one that ends at INT64_MAX has no end.
// Immutable.
class ConsentTimes {
 public:
  ConsentTimes() = default;  // never
  // Ascending; may touch.
  explicit ConsentTimes(std::span<const signal::TimeRange> ranges);
  static ConsentTimes Always();

  std::span<const signal::TimeRange> ranges() const { return ranges_; }
  bool IsNever() const { return ranges_.empty(); }
  bool IsAlways() const;

  bool Contains(int64_t t_ns) const;
  // Whether any, or every, instant of a range is among them; the range is not empty.
  bool Touches(const signal::TimeRange& range) const;
  bool Covers(const signal::TimeRange& range) const;

  // What is in this and not in `other`.
  ConsentTimes Without(const ConsentTimes& other) const;

  // Takes `range` apart, in order, into parts that are wholly inside or wholly outside.
  void Split(const signal::TimeRange& range,
             absl::FunctionRef<void(const signal::TimeRange& part, bool inside)> visit) const;

  friend bool operator==(const ConsentTimes&, const ConsentTimes&) = default;

 private:
  // The first that ends behind an instant.
  std::vector<signal::TimeRange>::const_iterator EndingAfter(int64_t t_ns) const;

  std::vector<signal::TimeRange> ranges_;
};

// Study time before this, or later than so far ahead of now, was made by a clock that nobody set.
inline constexpr int64_t kEarliestBelievedNs = 946'684'800'000'000'000;  // 2000-01-01
inline constexpr absl::Duration kLatestBelievedAhead = absl::Hours(24);

// At any instant the newest decision whose range contains it holds; where none does, nothing is
// granted. What was erased stays so, whatever is decided. Immutable.
class ConsentTimeline {
 public:
  ConsentTimeline() = default;
  // In any order.
  explicit ConsentTimeline(std::span<const ConsentDecision> decisions,
                           std::span<const ErasedRange> erased = {});

  // Whether anything was ever recorded of this kind, or of any kind.
  bool IsDecided(v1::DataKind kind) const { return granted_.contains(kind); }
  bool IsAnyDecided() const { return !granted_.empty(); }
  // Whether any kind is granted for any instant.
  bool IsAnyGranted() const;

  // Where the kind is granted.
  const ConsentTimes& Granted(v1::DataKind kind) const;

  // What chunks and samples are judged by: where the kind is granted, and, if that is anywhere, all
  // times that are not believed. A wrong clock must not destroy a recording: what it stamped is
  // judged as if nobody knew when it was made.
  ConsentTimes Judged(v1::DataKind kind, absl::Time now) const;

  // What was erased of a stream.
  ConsentTimes ErasedOf(StreamId stream) const;
  // How many ranges this knows of. They are only ever added: another number is another knowledge.
  int64_t erased_ranges() const { return static_cast<int64_t>(erased_.size()); }

  // When something may have arrived that has no place on study time, to be kept and shown all the
  // same. It was recorded before it arrived, so that consent that held without a break from when it
  // was first given until then, with nothing erased since, is consent to it. Whoever comes later
  // waits for a place: it may be what consent was withheld from, or what was erased.
  ConsentTimes ArrivalsWithoutPlace(v1::DataKind kind, StreamId stream) const;

 private:
  std::map<v1::DataKind, ConsentTimes> granted_;  // decided kinds only
  std::vector<ErasedRange> erased_;               // by where they begin
};

}  // namespace tidemark::store
