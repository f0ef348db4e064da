// Progress on stderr: one line that is rewritten on a terminal, sparse lines elsewhere.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/mutex.h"

namespace tidemark::cli {

// Thread-safe.
class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress() { Clear(); }

  // Where things stand. On a terminal shown at most ten times a second, elsewhere every ten
  // seconds.
  void Update(std::string_view line) TM_EXCLUDES(mutex_);
  // A sentence that stays. Not shown when quiet.
  void Say(std::string_view line) TM_EXCLUDES(mutex_);
  // The same for what is wrong with the data: shown even when quiet.
  void Warn(std::string_view line) TM_EXCLUDES(mutex_);
  // Takes the rewritten line away.
  void Clear() TM_EXCLUDES(mutex_);

 private:
  using SteadyClock = std::chrono::steady_clock;
  void ClearLocked() TM_REQUIRES(mutex_);

  const bool quiet_;
  const bool terminal_;
  Mutex mutex_;
  bool line_shown_ TM_GUARDED_BY(mutex_) = false;
  SteadyClock::time_point next_ TM_GUARDED_BY(mutex_);
};

}  // namespace tidemark::cli
