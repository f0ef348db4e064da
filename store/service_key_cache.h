// Keys of the installation that every call asks for, remembered in memory.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "store/key_purposes.h"

namespace tidemark::store {

// Thread-safe.
class ServiceKeyCache {
 public:
  // What `make` gave for this name, now or before; its errors are not remembered.
  // INVALID_ARGUMENT if the name is not plain.
  absl::StatusOr<std::string> Get(std::string_view name,
                                  absl::FunctionRef<absl::StatusOr<std::string>()> make)
      TM_EXCLUDES(mutex_) {
    TM_RETURN_IF_ERROR(CheckServiceKeyName(name));
    {
      MutexLock lock(mutex_);
      if (const auto found = keys_.find(name); found != keys_.end()) return found->second;
    }
    TM_ASSIGN_OR_RETURN(std::string key, make());
    MutexLock lock(mutex_);
    if (keys_.size() < kKeysMax) keys_.emplace(name, key);
    return key;
  }

 private:
  // Names are constants of the code; more of them would be a mistake.
  static constexpr size_t kKeysMax = 64;

  Mutex mutex_;
  std::map<std::string, std::string, std::less<>> keys_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::store
