// Empties an outbox: the device's side of the upload.
//
//   Outbox --> ChunkQueue --> EnvelopeSource --> Upload stream or PutChunks --> server
//     ^                                                                          |
//     +---- ReceiptDesk <--- receipts: proof, ledger, then the body <------------+
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "ingest/client/backoff.h"
#include "ingest/client/envelope_source.h"
#include "ingest/client/identity.h"
#include "ingest/client/ledger.h"
#include "ingest/client/outbox.h"
#include "ingest/client/receipt_desk.h"
#include "ingest/client/reconcile.h"
#include "ingest/client/session.h"
#include "ingest/client/upload_report.h"
#include "ingest/wire_limits.h"
#include "tidemark/v1/device.grpc.pb.h"
#include "tidemark/v1/ingest.grpc.pb.h"
#include "tidemark/v1/server.grpc.pb.h"

namespace tidemark::ingest {

enum class UploadWay { kStream, kBundle };

struct UploadOptions {
  UploadWay way = UploadWay::kStream;
  // Limits of what is sent; a server that allows less is kept to (GetServerInfo). Chunks without a
  // receipt at one time:
  size_t window_chunks_max = kChunksInFlightMax;
  size_t message_bytes_max = kChunkMessageBytesMax;
  size_t bundle_bytes_max = kBundleBytesMax;
  size_t message_chunks_max = kChunksPerMessageMax;
  size_t bundle_entries_max = kBundleEntriesMax;
  uint64_t abandoned_numbers_max = kAbandonedAtOnceMax;  // of one AbandonRange
  bool compress = true;
  // Deletes on the word of a server that runs without durability. For tests.
  bool accept_unsafe_durability = false;
  // Attempts in a row that settle nothing, before Drain() gives up for now.
  int failures_max = 8;
  // RETRY_AFTER answers to one chunk before it is left for another day.
  int waits_max = 5;
  // The longest wait that the server may ask for: beyond it Drain() ends with what is left. Seconds
  // for somebody who looks on; a daemon that has nothing else to do may wait longer.
  absl::Duration wait_max = absl::Seconds(30);
  // Chunks in flight and no receipt for so long: the connection is dead.
  absl::Duration stall_timeout = absl::Seconds(60);
  // A bundle goes as one message: it may take long on a slow network.
  absl::Duration bundle_timeout = absl::Minutes(2);
  // A stream is closed and opened again after this, well within the life of a session.
  absl::Duration stream_time_max = absl::Minutes(10);
  Backoff::Options backoff = {};
  uint64_t backoff_seed = 0;                            // 0: random
  const Clock* clock = nullptr;                         // nullptr: the real one
  std::function<void(absl::Duration)> sleep = nullptr;  // empty: really sleeps
  // Called from another thread, never twice at a time, after every message of receipts.
  std::function<void(const UploadReport&)> on_progress = nullptr;
};

// Not thread-safe. Borrows identity, outbox and ledger.
class UploadClient {
 public:
  UploadClient(std::shared_ptr<grpc::Channel> channel, Identity& identity, Outbox& outbox,
               Ledger& ledger, UploadOptions options);

  // Declares the streams, asks what the server has, and sends what it has not proven to have, until
  // nothing is left that may be sent, or nothing before wait_max. Broken connections, overload and
  // expired sessions are retried with back-off; a revoked device stops at once and keeps
  // everything. Nothing leaves the outbox without a proven receipt. Chunks that are recorded
  // meanwhile are for the next call.
  UploadReport Drain();

 private:
  absl::Status DrainUntilDone();
  // One connection: from asking the server to the last receipt.
  absl::Status Attempt();
  absl::Status LearnServer();
  absl::Status DeclareStreams();
  // By stream and writer, as text.
  using WriterStates = std::map<std::pair<std::string, std::string>, v1::WriterState>;
  absl::StatusOr<WriterStates> AskWhatIsThere();
  // Gives up the numbers without a body. Where the server's lists are too short for all of them,
  // asks again for the rest.
  absl::Status ReconcileWriters();
  absl::Status RenewWriter(const OutboxWriter& writer, const Reconciliation& found);
  // Whether the server settled any.
  absl::StatusOr<bool> AbandonLost(const OutboxWriter& writer, const Reconciliation& found);
  absl::Status AbandonGivenUp();
  absl::Status Abandon(const StreamId& stream_id, const WriterId& writer_id, Numbers numbers,
                       const std::string& reason);
  absl::Status SendByStream();
  absl::Status SendByBundles();
  absl::Status SendBundle(EnvelopeSource& source);
  // At least one chunk, and as many more as fit.
  std::string NextBundle(EnvelopeSource& source);
  // Handles receipts; asks once for keys that are new.
  absl::Status Receive(const v1::ReceiptBatch& batch);
  // How long to wait after `failure`, or nothing when trying again cannot help within wait_max.
  std::optional<absl::Duration> DelayAfter(const absl::Status& failure);
  EnvelopeSource MakeSource();

  std::shared_ptr<grpc::Channel> channel_;
  Identity& identity_;
  Outbox& outbox_;
  UploadOptions options_;
  const Clock& clock_;
  DeviceSession session_;
  std::unique_ptr<v1::DeviceService::Stub> devices_;
  std::unique_ptr<v1::IngestService::Stub> ingest_;
  std::unique_ptr<v1::ServerService::Stub> server_;
  ReceiptDesk desk_;
  std::unique_ptr<ChunkQueue> queue_;  // of one Drain()
  // Halved whenever a bundle did not get through in time, for the rest of a Drain(): on a slow
  // network the same bytes would never arrive.
  size_t bundle_bytes_now_ = 0;
  Backoff backoff_;
  bool lists_were_cut_ = false;  // of the last answer: more numbers may be lost than it showed
  int refusals_of_session_ = 0;
};

}  // namespace tidemark::ingest
