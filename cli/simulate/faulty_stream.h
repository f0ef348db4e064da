// Between a simulated sensor and the sink: what the faults of the plan leave of its samples.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "cli/import/recorder.h"
#include "cli/simulate/faults.h"

namespace tidemark::cli {

// For each sample call Begin() and, if it says so, Value() for every channel.
class FaultyStream {
 public:
  // `stamped`: runs carry a stamp per sample.
  FaultyStream(ingest::RecordingSink& sink, int stream, size_t channels, bool stamped)
      : run_(sink, stream, channels), stamped_(stamped) {}

  // The samples that follow are those of a boot with these faults.
  void BeginBoot(const FaultPlan& plan) {
    plan_ = plan;
    index_ = 0;
  }

  // False if the device lost this sample.
  bool Begin(int64_t stamp_ns) {
    while (plan_ && plan_->current() && plan_->current()->end() <= index_) plan_->Next();
    const bool inside = plan_ && plan_->current() && plan_->current()->first <= index_;
    const FaultKind kind = inside ? plan_->current()->kind : FaultKind::kRepeatedStamp;
    ++index_;
    if (inside && kind == FaultKind::kLost) {
      Remember(Flush());
      run_.SkipLost(1);
      return false;
    }
    is_nan_ = inside && kind == FaultKind::kNotANumber;
    if (!inside || kind != FaultKind::kRepeatedStamp) stamp_ns_ = stamp_ns;
    run_.AddStamp(stamp_ns_);
    return true;
  }

  template <class T>
  void Value(size_t channel, T value) {
    if constexpr (std::is_floating_point_v<T>) {
      if (is_nan_) value = std::numeric_limits<T>::quiet_NaN();
    }
    run_.AddValue(channel, value);
  }

  // Hands over what was gathered; also says what went wrong since the last call.
  absl::Status Flush() {
    Remember(stamped_ ? run_.FlushExact() : run_.FlushEvenly());
    return status_;
  }

 private:
  void Remember(const absl::Status& status) { status_.Update(status); }

  RunBuilder run_;
  bool stamped_;
  std::optional<FaultPlan> plan_;
  uint64_t index_ = 0;  // of the next sample of this boot
  int64_t stamp_ns_ = 0;
  bool is_nan_ = false;
  absl::Status status_;
};

}  // namespace tidemark::cli
