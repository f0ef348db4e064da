// The state of one Upload call, apart from the gRPC machinery that carries it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "base/rpc/guard.h"
#include "ingest/ingest.h"
#include "ingest/wire_limits.h"
#include "tidemark/v1/ingest.pb.h"

namespace tidemark::ingest {

// How long a call may be without its first message.
inline constexpr absl::Duration kOpenWithin = absl::Seconds(30);

// What a stream lets the transport do. None of these is called under a lock, and never two at a
// time; after Finish nothing is called any more.
class UploadTransport {
 public:
  virtual ~UploadTransport() = default;
  virtual void StartRead(v1::UploadRequest* request) = 0;
  virtual void StartWrite(const v1::UploadResponse* response) = 0;
  virtual void Finish(const absl::Status& status) = 0;
};

// From the authorized call to its last receipt. Back-pressure is "not reading": a message is read
// only while fewer than kChunksInFlightMax chunks are in flight and the last one found room. A
// chunk is in flight until its receipt was written, not only made: what a client does not fetch is
// held here, and must not grow. The stream stands still in three cases only:
//   no room         Ingest calls back when there is some
//   window full     the next receipt that was written opens it
//   half-closed     no more reads; it finishes once the last receipt is out
// Held by shared_ptr: receipts may arrive after the call is over. Thread-safe.
class UploadStream : public std::enable_shared_from_this<UploadStream> {
 public:
  UploadStream(Ingest* ingest, rpc::Authorizer* authorizer, UploadTransport* transport)
      : ingest_(ingest), authorizer_(authorizer), transport_(transport) {}

  // The outcome of authorization: reading begins, or the call ends.
  void OnAuthorized(absl::StatusOr<rpc::Caller> caller);
  void OnReadDone(bool ok);
  void OnWriteDone(bool ok);
  // The client went away.
  void OnCancel();
  // Ends the call with `status`, whatever is under way. Nothing is taken back: what was read is
  // still decided.
  void End(const absl::Status& status);
  // Takes nothing more, delivers the receipts of what was taken, and then ends the call with
  // `status`. Takes as long as decisions and the client do: who calls bounds it, by ending the
  // call.
  void Drain(const absl::Status& status);
  // Whose right to the call is to be asked about; nobody's before it was authorized or after its
  // end. Ends a call whose first message is overdue.
  std::optional<rpc::Caller> CallerToRecheck();
  // The answer: ends the call of somebody who may not make it any more. A database that could not
  // be asked is no revocation.
  void OnRechecked(const absl::Status& status);

 private:
  enum class Phase { kAuthorizing, kAwaitingOpen, kOpen };
  enum class Action { kNone, kRead, kWrite, kFinish };
  struct Outgoing {
    v1::UploadResponse response;
    size_t chunks = 0;  // that leave the window once it is written
  };

  absl::Status TakeMessage() TM_REQUIRES(mutex_);
  absl::Status TakeOpen() TM_REQUIRES(mutex_);
  absl::Status TakeChunks() TM_REQUIRES(mutex_);
  void SubmitPending() TM_REQUIRES(mutex_);
  void OnRoom();
  void OnReceipts(size_t chunks, absl::StatusOr<v1::ReceiptBatch> receipts);
  void Send(v1::UploadResponse response, size_t chunks) TM_REQUIRES(mutex_) {
    responses_.push_back({std::move(response), chunks});
  }

  // Lets the transport do what the state asks for, one action at a time and without the lock.
  void Pump() TM_EXCLUDES(mutex_);
  Action NextAction() TM_REQUIRES(mutex_);
  bool IsDrained() const TM_REQUIRES(mutex_);

  Ingest* const ingest_;
  rpc::Authorizer* const authorizer_;
  UploadTransport* const transport_;  // valid until Finish

  Mutex mutex_;
  Phase phase_ TM_GUARDED_BY(mutex_) = Phase::kAuthorizing;
  rpc::Caller caller_ TM_GUARDED_BY(mutex_);
  absl::Time authorized_at_ TM_GUARDED_BY(mutex_);
  v1::UploadRequest request_;                             // of the read under way
  std::deque<Outgoing> responses_ TM_GUARDED_BY(mutex_);  // the front is being written
  std::deque<Submission> pending_ TM_GUARDED_BY(mutex_);  // read, but without room yet
  size_t chunks_in_flight_ TM_GUARDED_BY(mutex_) = 0;
  bool reading_ TM_GUARDED_BY(mutex_) = false;
  bool writing_ TM_GUARDED_BY(mutex_) = false;
  bool half_closed_ TM_GUARDED_BY(mutex_) = false;
  bool finished_ TM_GUARDED_BY(mutex_) = false;
  bool pumping_ TM_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> end_ TM_GUARDED_BY(mutex_);
  std::optional<absl::Status> drained_ TM_GUARDED_BY(mutex_);  // how the call ends once drained
};

}  // namespace tidemark::ingest
