// The Upload calls that are open, and how many there may be.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/rpc/guard.h"

namespace tidemark::ingest {

class UploadStream;

// A call costs memory for as long as it is open, so their number is bounded: over all, where one
// too many is refused, and per device, where the oldest one makes room. A device needs one; after a
// cut of the network the server may hold its earlier calls for minutes before it learns that nobody
// is there any more. Thread-safe.
class OpenUploads {
 public:
  static constexpr size_t kPerDeviceMax = 4;

  explicit OpenUploads(size_t calls_max) : calls_max_(calls_max) {}

  struct Added {
    bool taken = false;
    std::shared_ptr<UploadStream> displaced;  // to be ended by the caller; null for none
  };
  Added Add(DeviceId device, const std::shared_ptr<UploadStream>& stream) TM_EXCLUDES(mutex_);

  // Asks whether the credentials of all calls still hold, in one go, and ends the calls of those
  // that do not. May block.
  void Recheck(rpc::Authorizer& authorizer) TM_EXCLUDES(mutex_);

  // Oldest first.
  std::vector<std::shared_ptr<UploadStream>> All() TM_EXCLUDES(mutex_);

 private:
  struct Entry {
    DeviceId device;
    std::weak_ptr<UploadStream> stream;
  };
  void ForgetGone() TM_REQUIRES(mutex_);

  const size_t calls_max_;
  Mutex mutex_;
  std::vector<Entry> entries_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::ingest
