// Acts on receipts: proves them, writes them down, and only then touches the outbox.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "ingest/client/chunk_queue.h"
#include "ingest/client/ledger.h"
#include "ingest/client/outbox.h"
#include "ingest/client/receipt_policy.h"
#include "ingest/client/upload_report.h"
#include "ingest/receipt_proof.h"

namespace tidemark::ingest {

// Thread-safe. Borrows everything.
class ReceiptDesk {
 public:
  struct Options {
    DeviceId device_id;
    bool accept_unsafe_durability = false;
    int waits_max = 5;  // RETRY_AFTER answers to one chunk before this run leaves it alone
    const Clock* clock = nullptr;
    std::function<void(const UploadReport&)> on_progress = nullptr;
  };
  ReceiptDesk(Options options, Outbox& outbox, Ledger& ledger)
      : options_(std::move(options)), outbox_(outbox), ledger_(ledger) {}

  void SetKeys(ReceiptKeys keys) TM_EXCLUDES(mutex_);

  // One message of receipts. Final ones are in the ledger, on disk, before a body goes. On a full
  // disk a few go at a time, from the outbox's reserve, and their bodies make room for the next.
  //   NOT_FOUND    signed with a key that is not known: ask the server for its keys
  //   DATA_LOSS    the proof does not hold: nothing of the message was believed
  //   UNAVAILABLE  a statement has no hash, as the envelope arrived with none: its chunk stays
  //                unanswered and is to be sent again; the others were acted on
  absl::Status Handle(const v1::ReceiptBatch& batch, ChunkQueue& queue) TM_EXCLUDES(mutex_);

  // The body of `ref` cannot be read back on this device.
  absl::Status KeepDamaged(const ChunkRef& ref, std::string_view why) TM_EXCLUDES(mutex_);
  void CountSent(uint64_t envelope_bytes) TM_EXCLUDES(mutex_);

  // Numbers that were given up and whose abandonment the server has not heard of yet.
  std::vector<ChunkRef> TakeToAbandon() TM_EXCLUDES(mutex_);
  // Says in the report that this run ends because the rest may be sent only after `wait`, and why.
  void NoteWait(absl::Duration wait) TM_EXCLUDES(mutex_);
  // Changes the report under the lock.
  void Note(const std::function<void(UploadReport&)>& change) TM_EXCLUDES(mutex_);
  UploadReport report() const TM_EXCLUDES(mutex_);
  // Grows with every chunk that is settled: whether an attempt got anywhere.
  uint64_t settled() const TM_EXCLUDES(mutex_);

 private:
  struct Answered {
    v1::ReceiptStatement statement;
    ChunkRef ref;
    size_t body_bytes = 0;
    ReceiptDecision decision;
    std::optional<v1::Receipt> receipt;  // to be kept, if the answer is final
  };
  struct Answers {
    std::vector<Answered> known;  // about chunks in flight
    bool all_named = true;        // every statement says which chunk it is about
  };
  absl::StatusOr<Answers> Read(const v1::ReceiptBatch& batch, const ChunkQueue& queue)
      TM_REQUIRES(mutex_);
  // Writes down and acts.
  absl::Status Settle(std::span<const Answered> answers, ChunkQueue& queue) TM_REQUIRES(mutex_);
  absl::Status WriteDown(std::span<const Answered> answers);
  absl::Status Act(std::span<const Answered> answers, ChunkQueue& queue) TM_REQUIRES(mutex_);
  absl::Status ActOnOne(const Answered& answer, ChunkQueue& queue) TM_REQUIRES(mutex_);
  void Wait(const Answered& answer, ChunkQueue& queue) TM_REQUIRES(mutex_);
  absl::Status HeedConflict(const Answered& answer) TM_REQUIRES(mutex_);

  const Options options_;
  Outbox& outbox_;
  Ledger& ledger_;
  mutable Mutex mutex_;
  ReceiptKeys keys_ TM_GUARDED_BY(mutex_);
  std::vector<ChunkRef> to_abandon_ TM_GUARDED_BY(mutex_);
  absl::Time longest_wait_until_ TM_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::string longest_wait_reason_ TM_GUARDED_BY(mutex_);
  UploadReport report_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::ingest
