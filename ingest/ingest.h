// Ingest: takes envelopes, decides each, and answers with signed receipts.
//
//   uploads ──TrySubmit──► admission threads ──► writers ──► PostgreSQL
//      ▲       (budget)     (hash, check, code)  (one per bucket of participants)
//      └──────────────── receipts, after the commit ◄─┘
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bounded_queue.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "ingest/admission_lookups.h"
#include "ingest/commit_writer.h"
#include "ingest/in_flight_budget.h"
#include "ingest/ingest_metrics.h"
#include "ingest/message.h"
#include "ingest/receipt.h"
#include "ingest/stop_flag.h"
#include "ingest/wire_limits.h"
#include "store/consent_book.h"
#include "store/key_store.h"
#include "store/placement.h"
#include "store/stream_catalog.h"

namespace tidemark::ingest {

// Messages that weigh more, or have more chunks than a message may, are split (SplitEnvelopes), so
// that one submission never takes much memory.
inline constexpr size_t kMessageWeightMax = size_t{4} << 20;

struct IngestOptions {
  std::string dsn;  // of tm_ingest
  store::KeyStore* keys = nullptr;
  store::StreamCatalog* catalog = nullptr;
  store::ConsentBook* consent = nullptr;
  // Null: nothing has a place on study time, and consent is judged without a time.
  store::PlacementSource* placements = nullptr;
  const Clock* clock = nullptr;
  ReceiptSignerOptions receipts;
  QuarantineQuotas quotas;
  CommitPatience patience;
  int64_t statement_timeout_ms = 30'000;
  // Asked often, so it must answer from memory: not OK while the database is not durable or older
  // than its restore generation. Empty: always OK.
  std::function<absl::Status()> ready;

  int admission_threads = 2;
  int writers = 4;
  size_t messages_in_flight_max = 4'096;
  size_t weight_in_flight_max = size_t{64} << 20;
};

// Thread-safe. What `options` point to outlives this.
class Ingest {
 public:
  //   INVALID_ARGUMENT  an option is missing
  static absl::StatusOr<std::unique_ptr<Ingest>> Start(IngestOptions options);
  ~Ingest();

  // Takes over `submission` if there is room. Full: it is left alone, and `when_room` is called
  // once, from any thread, when it is worth trying again. `waiter` is an address of the caller's
  // own: it waits once, however often it tries, until StopWaiting(). Never blocks.
  Take TrySubmit(Submission& submission, const void* waiter, std::function<void()> when_room);
  void StopWaiting(const void* waiter) { budget_.StopWaiting(waiter); }

  // Chunks of this sender's streams are about to come: looks up what admission will ask for. A
  // hint, which is dropped when there is no room. Never blocks.
  void Expect(const Sender& sender);

  // Receipts that refuse envelopes without looking at them.
  v1::ReceiptBatch Refuse(const Sender& sender, const std::vector<v1::ChunkEnvelope>& envelopes,
                          const Verdict& verdict) const;

  // FAILED_PRECONDITION, INGEST_REFUSED with RetryInfo, while ingest is refused.
  absl::Status CheckReady() const;

  // Runs admission again over a body that is held in quarantine; see ChunkStore::Redrive. When
  // admission has no place for it, the verdict is what it said and nothing is written: also one
  // that refuses it for want of consent, for it is a person who discards what was set aside.
  absl::StatusOr<std::optional<Verdict>> Redrive(const Sender& sender, QuarantineId id,
                                                 const Uuid& request, std::string body,
                                                 std::string sha256);

  // Whether anything that was submitted has no receipt yet.
  bool IsBusy() { return !budget_.IsEmpty(); }

  // See ReceiptSigner.
  void SetRestoreGeneration(uint64_t generation) { signer_.SetRestoreGeneration(generation); }
  uint64_t restore_generation() const { return signer_.restore_generation(); }
  const Clock& clock() const { return *options_.clock; }
  store::StreamCatalog* catalog() const { return options_.catalog; }

  // Takes nothing more, brings what was taken to its end and joins all threads. Safe to repeat.
  void Shutdown();

 private:
  explicit Ingest(IngestOptions options);

  // What an admission thread does next.
  struct Expected {
    Sender sender;
  };
  using Task = std::variant<Submission, Expected>;

  void RunAdmission();
  void Process(Submission submission, size_t weight);
  CommitWriter& WriterOf(ParticipantId participant) const;

  const IngestOptions options_;
  ReceiptSigner signer_;
  StopFlag stop_;  // once set, nothing is tried twice
  AdmissionLookups lookups_;
  InFlightBudget budget_;
  BoundedQueue<Task> tasks_;
  const std::array<metrics::Reading::Source, 2> readings_;
  std::vector<std::unique_ptr<CommitWriter>> writers_;
  std::vector<std::thread> admission_threads_;

  Mutex redrive_mutex_;
  ChunkStore redrive_store_ TM_GUARDED_BY(redrive_mutex_);

  Mutex shutdown_mutex_;
  bool shut_down_ TM_GUARDED_BY(shutdown_mutex_) = false;
};

// Runs of envelopes, in order, that each keep the limits of a submission.
std::vector<std::vector<v1::ChunkEnvelope>> SplitEnvelopes(
    std::vector<v1::ChunkEnvelope> envelopes);

// What an envelope weighs while it is under way: its bytes, its body, and something for its rows.
size_t WeightOf(const v1::ChunkEnvelope& envelope);

}  // namespace tidemark::ingest
