#include "ingest/batch_commit.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/db/sql_error.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace tidemark::ingest {
namespace {

bool IsPassing(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsUnknown(status) || absl::IsAborted(status) ||
         absl::IsDeadlineExceeded(status);
}

// Data exceptions, broken constraints, values too large for an index: what single rows can cause.
// Anything else is wrong with the database or with us, and no chunk is set aside for it.
bool BlamesRows(const absl::Status& status) {
  const std::string_view sqlstate = db::SqlstateOf(status).substr(0, 2);
  return sqlstate == "22" || sqlstate == "23" || sqlstate == "54";
}

}  // namespace

absl::Status BatchCommit::Run(std::vector<WriteItem> items) {
  // Repeated keys, bodies to be set aside and refusals need a look at each number; all others do
  // not.
  std::set<std::pair<OutboxId, int64_t>> seen;
  const auto careful = std::stable_partition(items.begin(), items.end(), [&](const auto& item) {
    return item.chunk() != nullptr && seen.insert({OutboxOf(item), item.key().number}).second;
  });
  const auto fast_count = static_cast<size_t>(careful - items.begin());
  const std::span<WriteItem> all(items);
  TM_RETURN_IF_ERROR(Commit(all.first(fast_count), Way::kFast));
  return Commit(all.subspan(fast_count), Way::kCareful);
}

absl::Status BatchCommit::Commit(std::span<WriteItem> items, Way way) {
  if (items.empty()) return absl::OkStatus();
  const absl::Status status = TryUntilReachable(items, way);
  if (status.ok() || IsPassing(status)) return status;
  if (absl::IsResourceExhausted(status)) {
    LogWarning("ingest: the database has no room: {}", std::string(status.message()));
    for (const WriteItem& item : items) {
      if (item.verdict->has_value()) continue;  // refused without a write
      *item.verdict = Verdict::RetryAfter(v1::RECEIPT_REASON_OVERLOADED, kOverloadedRetryMs);
    }
    return absl::OkStatus();
  }
  if (!BlamesRows(status)) {
    LogError("ingest: a commit failed: {}", std::string(status.message()));
    return status;
  }
  return items.size() > 1 ? Halve(items, way) : SetRejectedAside(items);
}

absl::Status BatchCommit::TryUntilReachable(std::span<WriteItem> items, Way way) {
  const auto give_up = std::chrono::steady_clock::now() + patience_.retry_for;
  for (std::chrono::milliseconds pause = patience_.backoff_first;;) {
    const absl::Status status = TryOnce(items, way);
    if (!IsPassing(status)) return status;
    if (std::chrono::steady_clock::now() + pause > give_up || stop_->WaitFor(pause)) return status;
    pause = std::min(pause * 2, patience_.backoff_max);
  }
}

absl::Status BatchCommit::TryOnce(std::span<WriteItem> items, Way way) {
  if (way == Way::kFast) {
    TM_ASSIGN_OR_RETURN(const bool written, store_->TryWriteFast(items));
    if (written) return absl::OkStatus();
  }
  return store_->WriteCareful(items);
}

absl::Status BatchCommit::Halve(std::span<WriteItem> items, Way way) {
  const size_t half = items.size() / 2;
  const absl::Status first = Commit(items.first(half), way);
  const absl::Status second = Commit(items.subspan(half), way);
  return first.ok() ? second : first;
}

absl::Status BatchCommit::SetRejectedAside(std::span<WriteItem> one) {
  const WriteItem& item = one.front();
  LogWarning("ingest: the database rejects a chunk by itself");
  const auto* before = std::get_if<SetAside>(&item.decision->what);
  const bool was_set_aside =
      before != nullptr && before->reason == v1::RECEIPT_REASON_STORE_REJECTED;
  if (was_set_aside || item.is_refused()) {
    *item.verdict = Verdict::RetryAfter(v1::RECEIPT_REASON_STORE_REJECTED, kRejectedRetryMs);
    return absl::OkStatus();
  }
  item.decision->what =
      SetAside{v1::RECEIPT_REASON_STORE_REJECTED, "the database rejected this chunk"};
  return Commit(one, Way::kCareful);
}

}  // namespace tidemark::ingest
