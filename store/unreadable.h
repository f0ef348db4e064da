// What is stored and cannot be read.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "base/ids.h"
#include "core/signal/overview.h"

namespace tidemark::store {

// The numbers of tidemark.v1.UnreadableReason.
enum class UnreadableReason { kErased = 1, kDamaged = 2, kQuarantined = 3, kNoConsent = 4 };

// Why something stored could not be read, from the error that the attempt ended with: NOT_FOUND
// stands for what was erased.
inline UnreadableReason ReasonOf(const absl::Status& unread) {
  return absl::IsNotFound(unread) ? UnreadableReason::kErased : UnreadableReason::kDamaged;
}

// A stretch of study time.
struct UnreadableRange {
  signal::TimeRange study;
  UnreadableReason reason;
  friend bool operator==(const UnreadableRange&, const UnreadableRange&) = default;
};
// Ranges of one reason in one answer; nearer ones are joined where there would be more.
inline constexpr size_t kUnreadableRangesMax = 1'000;

// Chunks of one stream and writer that follow each other by number.
struct UnreadableChunks {
  UnreadableReason reason;
  StreamId stream_id;
  WriterId writer_id;
  int64_t first_number = 0;
  int64_t last_number = 0;
  // The rest is unknown of what was set aside.
  BootId boot_id;
  int32_t clock_id = 0;
  signal::TimeRange device;
  int64_t samples = 0;
};

}  // namespace tidemark::store
