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

// One past the highest number that the server says it settled, as far as its lists go.
uint64_t EndOf(const v1::WriterState& server) {
  uint64_t end = server.high_water();
  for (const Ranges* const ranges :
       {&server.stored(), &server.quarantined(), &server.abandoned(), &server.refused()}) {
    if (!ranges->empty()) end = std::max(end, ranges->rbegin()->end());
  }
  // What follows a gap is settled.
  if (!server.missing().empty()) end = std::max(end, server.missing().rbegin()->end() + 1);
  return end;
}

std::vector<Numbers> Pending(const OutboxWriter& outbox) {
  std::vector<Numbers> pending;
  for (const uint64_t number : outbox.pending) pending.push_back({number, number + 1});
  return pending;
}

// Notes `gaps`, as few ranges that hold nothing of `waiting`, which is ascending.
void NoteLost(const std::vector<Numbers>& gaps, const std::vector<uint64_t>& waiting,
              Reconciliation& result) {
  for (const Numbers& gap : gaps) {
    result.lost_numbers += gap.end - gap.begin;
    const bool is_first = result.lost.empty();
    const uint64_t before = is_first ? 0 : result.lost.back().end;
    const auto next = std::lower_bound(waiting.begin(), waiting.end(), before);
    if (is_first || (next != waiting.end() && *next < gap.begin)) {
      result.lost.push_back(gap);
    } else {
      result.lost.back().end = gap.end;
    }
  }
}

// The lists of the server were cut.
void ReconcileScattered(const OutboxWriter& outbox, const v1::WriterState& server,
                        Reconciliation& result) {
  result.scattered = true;
  if (server.high_water() >= outbox.next) return;  // everything is settled
  const bool end_is_known = EndOf(server) >= outbox.next;
  std::vector<Numbers> known = Pending(outbox);
  uint64_t at = 0;
  for (const v1::NumberRange& gap : server.missing()) {
    known.push_back({at, gap.begin()});
    at = gap.end();
  }
  NoteLost(Holes(std::move(known), at), outbox.pending, result);
  const bool newest_waits = !outbox.pending.empty() && outbox.pending.back() + 1 == outbox.next;
  if (!end_is_known && !newest_waits) result.unseen_newest = outbox.next - 1;
  result.more = true;
}

}  // namespace

Reconciliation Reconcile(const OutboxWriter& outbox, const v1::WriterState* server) {
  Reconciliation result;
  std::vector<Numbers> accounted = Pending(outbox);
  if (server != nullptr) {
    result.restored = EndOf(*server) > outbox.next;
    result.scattered = server->truncated();
    if (result.restored) return result;
    if (result.scattered) {
      ReconcileScattered(outbox, *server, result);
      return result;
    }
    for (const Ranges* const ranges :
         {&server->stored(), &server->quarantined(), &server->abandoned(), &server->refused()}) {
      Collect(*ranges, accounted);
    }
  }
  NoteLost(Holes(std::move(accounted), outbox.next), outbox.pending, result);
  return result;
}

}  // namespace tidemark::ingest
