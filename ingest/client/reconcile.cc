#include "ingest/client/reconcile.h"

#include <algorithm>

namespace tidemark::ingest {
namespace {

using Ranges = google::protobuf::RepeatedPtrField<v1::NumberRange>;

void Collect(const Ranges& ranges, std::vector<Numbers>& into) {
  for (const auto& range : ranges) into.push_back({range.begin(), range.end()});
}

// What `accounted` leaves of [0, end).
std::vector<Numbers> Holes(std::vector<Numbers> accounted, uint64_t end) {
  std::sort(accounted.begin(), accounted.end(),
            [](const Numbers& a, const Numbers& b) { return a.begin < b.begin; });
  std::vector<Numbers> holes;
  uint64_t at = 0;
  for (const Numbers& range : accounted) {
    if (range.begin > at && at < end) holes.push_back({at, std::min(range.begin, end)});
    at = std::max(at, range.end);
  }
  if (at < end) holes.push_back({at, end});
  return holes;
}

}  // namespace

Reconciliation Reconcile(const OutboxWriter& outbox, const v1::WriterState* server) {
  std::vector<Numbers> settled;
  if (server != nullptr) {
    Collect(server->stored(), settled);
    Collect(server->quarantined(), settled);
    Collect(server->abandoned(), settled);
    Collect(server->refused(), settled);
  }
  Reconciliation result;
  for (const Numbers& range : settled) result.restored |= range.end > outbox.next;
  result.scattered = server != nullptr && server->truncated();
  if (result.restored || result.scattered) return result;
  for (const uint64_t number : outbox.pending) settled.push_back({number, number + 1});
  result.lost = Holes(std::move(settled), outbox.next);
  return result;
}

}  // namespace tidemark::ingest
