// When a participant agreed to what: decisions as they were recorded, and what they amount to.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

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

// Half open; INT64_MAX stands for no end.
struct ConsentRange {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
  friend bool operator==(const ConsentRange&, const ConsentRange&) = default;
};

enum class ConsentAnswer {
  kGranted,    // for some instant of the range, or the range is unknown and it was granted at all
  kRefused,    // decided, and for no instant of the range granted
  kUndecided,  // nothing was ever recorded of this kind
};

// At any instant the newest decision whose range contains it holds; where none does, nothing is
// granted. Immutable.
class ConsentTimeline {
 public:
  ConsentTimeline() = default;
  // In any order.
  explicit ConsentTimeline(std::span<const ConsentDecision> decisions);

  // Where the kind is granted: disjoint, not touching, ascending.
  std::span<const ConsentRange> Granted(v1::DataKind kind) const;

  // `range` absent: nobody knows when.
  ConsentAnswer Judge(v1::DataKind kind, const std::optional<ConsentRange>& range) const;

 private:
  std::map<v1::DataKind, std::vector<ConsentRange>> granted_;  // decided kinds only
};

}  // namespace tidemark::store
