// What one run of the upload client still has to send, and what is on its way.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "ingest/client/outbox.h"

namespace tidemark::ingest {

// A chunk is queued, waiting for its time, in flight, or gone (settled or left alone). One thread
// takes and sends, another one hears receipts. Receipts are matched by SHA-256.
class ChunkQueue {
 public:
  explicit ChunkQueue(const std::vector<ChunkRef>& pending);

  // The next chunk whose time has come, in the order given; a chunk to send again goes first. The
  // caller then owes Sent(), PutBack() or PassOver(), or forgets a chunk that is gone.
  std::optional<ChunkRef> Take(absl::Time now) TM_EXCLUDES(mutex_);
  void Sent(const ChunkRef& ref, const Sha256Digest& sha256, size_t body_bytes) TM_EXCLUDES(mutex_);
  void PutBack(const ChunkRef& ref) TM_EXCLUDES(mutex_);

  // A chunk that was taken stays in the outbox, unsent by this run, as its file cannot be read.
  void PassOver(absl::Status why) TM_EXCLUDES(mutex_);
  struct PassedOver {
    uint64_t chunks = 0;
    absl::Status first;  // why
  };
  PassedOver passed_over() const TM_EXCLUDES(mutex_);

  struct InFlight {
    ChunkRef ref;
    size_t body_bytes = 0;
    int resends = 0;  // answers RESEND so far
    int waits = 0;    // answers RETRY_AFTER so far
  };
  std::optional<InFlight> Find(std::string_view sha256) const TM_EXCLUDES(mutex_);
  // Of a chunk in flight: it is settled or stays in the outbox, to be sent again now, or later.
  void Drop(std::string_view sha256) TM_EXCLUDES(mutex_);
  void Resend(std::string_view sha256) TM_EXCLUDES(mutex_);
  void Wait(std::string_view sha256, absl::Time until) TM_EXCLUDES(mutex_);
  // The connection is gone: what had no receipt is queued again.
  void ReturnInFlight() TM_EXCLUDES(mutex_);

  size_t in_flight() const TM_EXCLUDES(mutex_);
  // When the next waiting chunk may go; nothing if none waits and none is queued.
  std::optional<absl::Time> NextTime() const TM_EXCLUDES(mutex_);

  // Blocks until fewer than `in_flight_seen` chunks are in flight, which every receipt leads to, or
  // until `deadline`; returns false at the deadline.
  bool AwaitReceipt(size_t in_flight_seen, std::chrono::steady_clock::time_point deadline)
      TM_EXCLUDES(mutex_);
  // Ends every AwaitReceipt at once, now and later, until ReturnInFlight().
  void Interrupt() TM_EXCLUDES(mutex_);
  bool interrupted() const TM_EXCLUDES(mutex_);

 private:
  struct Counters {
    int resends = 0;
    int waits = 0;
  };

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<ChunkRef> queued_ TM_GUARDED_BY(mutex_);
  std::multimap<absl::Time, ChunkRef> waiting_ TM_GUARDED_BY(mutex_);
  std::map<std::string, InFlight, std::less<>> flying_ TM_GUARDED_BY(mutex_);  // by SHA-256
  std::map<ChunkRef, Counters> counters_ TM_GUARDED_BY(mutex_);  // only of chunks that came back
  PassedOver passed_over_ TM_GUARDED_BY(mutex_);
  bool interrupted_ TM_GUARDED_BY(mutex_) = false;
};

}  // namespace tidemark::ingest
