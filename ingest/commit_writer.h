// A thread that commits what is queued and sends the receipts.
#pragma once

#include <array>
#include <thread>

#include "base/bounded_queue.h"
#include "base/clock.h"
#include "ingest/batch_commit.h"
#include "ingest/chunk_store.h"
#include "ingest/ingest_metrics.h"
#include "ingest/message.h"
#include "ingest/receipt.h"
#include "ingest/stop_flag.h"

namespace tidemark::ingest {

// A commit takes everything that is queued, up to these: a lone message does not wait for company,
// and under load batches grow by themselves.
inline constexpr size_t kMessagesPerCommitMax = 64;
inline constexpr size_t kWeightPerCommitMax = size_t{4} << 20;

// A participant belongs to one writer, so that writers of one server never wait for each other.
class CommitWriter {
 public:
  struct Options {
    ChunkStoreOptions store;
    CommitPatience patience;
    const ReceiptSigner* signer = nullptr;
    const Clock* clock = nullptr;
    size_t queue_messages_max = 0;
    size_t queue_weight_max = 0;
  };
  explicit CommitWriter(const Options& options);
  // Close() and Join() first.
  ~CommitWriter() = default;

  // False when the queue is full or closed; `message` is left alone then.
  bool TryPush(AdmittedMessagePtr& message) { return queue_.TryPush(message, message->weight); }

  // What is queued is still committed, with one try each.
  void Close();
  void Join() { thread_.join(); }

 private:
  void Run();
  void CommitMessages(std::vector<AdmittedMessagePtr> messages);
  void SendReceipts(std::vector<AdmittedMessagePtr> messages, const absl::Status& status);

  const ReceiptSigner* const signer_;
  const Clock* const clock_;
  BoundedQueue<AdmittedMessagePtr> queue_;
  StopFlag stop_;
  ChunkStore store_;
  BatchCommit commit_;
  const std::array<metrics::Reading::Source, 2> readings_;
  std::thread thread_;
};

}  // namespace tidemark::ingest
