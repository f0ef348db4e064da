// A deadline of progress: for calls whose answers may be of any size.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace tidemark::ingest {

// Longest silence of a server in the middle of an answer.
inline constexpr absl::Duration kReadStallTimeout = absl::Minutes(1);

// Cancels a call when one Read() got nothing for `timeout`, or up to twice that; what the caller
// does between two of them may take any time. Declare it behind the context and before the reader,
// so that it ends in between.
class StallGuard {
 public:
  StallGuard(grpc::ClientContext& context, absl::Duration timeout);
  ~StallGuard();
  StallGuard(const StallGuard&) = delete;
  StallGuard& operator=(const StallGuard&) = delete;

  // The next message of a grpc::ClientReader; false at the end.
  template <class Reader, class Message>
  bool Read(Reader& reader, Message* message) {
    SetWaiting(true);
    const bool more = reader.Read(message);
    SetWaiting(false);
    return more;
  }
  // What the end of the call was: DEADLINE_EXCEEDED if it was this that ended it, else `finished`.
  absl::Status StatusOf(absl::Status finished) const TM_EXCLUDES(mutex_);

 private:
  void SetWaiting(bool waiting) TM_EXCLUDES(mutex_);
  void Watch() TM_EXCLUDES(mutex_);

  grpc::ClientContext& context_;
  const absl::Duration timeout_;
  mutable Mutex mutex_;
  CondVar ended_;
  uint64_t waits_ TM_GUARDED_BY(mutex_) = 0;  // begun
  bool waiting_ TM_GUARDED_BY(mutex_) = false;
  bool done_ TM_GUARDED_BY(mutex_) = false;
  bool stalled_ TM_GUARDED_BY(mutex_) = false;
  std::thread watcher_;  // last: it uses the others
};

}  // namespace tidemark::ingest
