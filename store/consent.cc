#include "store/consent.h"

#include <algorithm>
#include <limits>
#include <set>

namespace tidemark::store {
namespace {

constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::max();

int64_t EndOf(const ConsentDecision& decision) { return decision.until_ns.value_or(kNoEnd); }

// What holds at `t_ns`: the newest of the decisions, which are sorted by version.
bool IsGrantedAt(std::span<const ConsentDecision> decisions, int64_t t_ns) {
  for (auto decision = decisions.rbegin(); decision != decisions.rend(); ++decision) {
    if (decision->from_ns <= t_ns && t_ns < EndOf(*decision)) return decision->granted;
  }
  return false;
}

// The answer can only change where a decision begins or ends.
std::vector<ConsentRange> GrantedRanges(std::span<const ConsentDecision> decisions) {
  std::set<int64_t> borders;
  for (const ConsentDecision& decision : decisions) {
    borders.insert(decision.from_ns);
    borders.insert(EndOf(decision));
  }
  std::vector<ConsentRange> granted;
  for (auto border = borders.begin(); border != borders.end() && std::next(border) != borders.end();
       ++border) {
    if (!IsGrantedAt(decisions, *border)) continue;
    const ConsentRange piece{*border, *std::next(border)};
    if (!granted.empty() && granted.back().end_ns == piece.begin_ns) {
      granted.back().end_ns = piece.end_ns;
    } else {
      granted.push_back(piece);
    }
  }
  return granted;
}

}  // namespace

ConsentTimeline::ConsentTimeline(std::span<const ConsentDecision> decisions) {
  std::map<v1::DataKind, std::vector<ConsentDecision>> by_kind;
  for (const ConsentDecision& decision : decisions) by_kind[decision.kind].push_back(decision);
  for (auto& [kind, of_kind] : by_kind) {
    std::sort(of_kind.begin(), of_kind.end(),
              [](const auto& a, const auto& b) { return a.version < b.version; });
    granted_[kind] = GrantedRanges(of_kind);
  }
}

std::span<const ConsentRange> ConsentTimeline::Granted(v1::DataKind kind) const {
  const auto found = granted_.find(kind);
  if (found == granted_.end()) return {};
  return found->second;
}

ConsentAnswer ConsentTimeline::Judge(v1::DataKind kind,
                                     const std::optional<ConsentRange>& range) const {
  if (!granted_.contains(kind)) return ConsentAnswer::kUndecided;
  const std::span<const ConsentRange> granted = Granted(kind);
  const bool touches =
      range ? std::any_of(granted.begin(), granted.end(),
                          [&](const ConsentRange& piece) {
                            return piece.begin_ns < range->end_ns && range->begin_ns < piece.end_ns;
                          })
            : !granted.empty();
  return touches ? ConsentAnswer::kGranted : ConsentAnswer::kRefused;
}

}  // namespace tidemark::store
