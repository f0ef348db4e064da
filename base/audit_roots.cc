#include "base/audit_roots.h"

#include <fmt/format.h>

#include "absl/time/time.h"

namespace tidemark {
namespace {

// The chain of roots among the subjects: no participant or study has this id.
constexpr Uuid kRootsSubject{};

}  // namespace

const AuditChainHead* AuditRootContent::RootBefore() const {
  return !heads.empty() && heads.front().subject == kRootsSubject ? &heads.front() : nullptr;
}

AuditRootEnd EndOfRoot(const Uuid& study, int64_t number, const AuditRootContent& root) {
  return {number, Sha256(AuditRootMessage(study, root.utc_day, root.heads))};
}

AuditChainHead HeadOfRootBefore(const AuditRootEnd& end) {
  return {kRootsSubject, end.number, end.hash};
}

// Of roots that name none before them, the day says which comes first; how many there were, the
// first one that names another.
void AuditRootChecker::CheckFirstForm(const AuditRootContent& root) {
  if (!is_chained_ && root.utc_day > newest_day_) return;
  faults_.push_back(fmt::format("the root of {} names none before it and stands where another was",
                                FormatUtcDay(root.utc_day)));
}

// After a fault the count goes on from what the root says of itself: a root that was removed is one
// fault.
void AuditRootChecker::CheckRootBefore(const AuditRootContent& root) {
  const AuditChainHead* const before = root.RootBefore();
  if (before == nullptr) return CheckFirstForm(root);
  is_chained_ = true;
  if (before->seq == end_.number && before->link_hash == end_.hash) return;
  faults_.push_back(fmt::format(
      "the root of {} follows root {}, and {} stands before it: roots were removed or altered",
      FormatUtcDay(root.utc_day), before->seq,
      end_.number == before->seq ? "another one" : fmt::format("root {}", end_.number)));
  end_.number = before->seq;
}

void AuditRootChecker::Add(const AuditRootContent& root,
                           absl::FunctionRef<bool(std::string_view message)> is_signed) {
  if (!is_signed(AuditRootMessage(study_, root.utc_day, root.heads))) {
    faults_.push_back(
        fmt::format("the root of {} is not signed by the server", FormatUtcDay(root.utc_day)));
  }
  CheckRootBefore(root);
  end_ = EndOfRoot(study_, end_.number + 1, root);
  newest_day_ = root.utc_day;
  for (const AuditChainHead& head : root.heads) {
    if (&head != root.RootBefore()) chains_.CheckHead(root.utc_day, head);
  }
}

std::string FormatUtcDay(int32_t utc_day) {
  return absl::FormatTime("%Y-%m-%d", absl::UnixEpoch() + absl::Hours(24) * utc_day,
                          absl::UTCTimeZone());
}

}  // namespace tidemark
