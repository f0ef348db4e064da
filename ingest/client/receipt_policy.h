// What a device does with its copy of a chunk, by the server's word (tidemark/v1/receipt.proto).
#pragma once

#include <string>

#include "absl/time/time.h"
#include "ingest/client/outbox.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::ingest {

// So many RESEND answers in a row: the copy or the path is broken.
inline constexpr int kResendAnswersMax = 3;
// RETRY_AFTER without a time.
inline constexpr absl::Duration kRetryAfterDefault = absl::Seconds(5);

enum class Disposition {
  kDelete,         // the server has it
  kResend,         // now
  kWait,           // send again after `wait`
  kKeep,           // out of the way, its number abandoned
  kStopAndDelete,  // it must not exist; nothing more is recorded on this stream
  kLeave,          // not understood: stays where it is, not sent again by this run
};

struct ReceiptDecision {
  Disposition disposition = Disposition::kLeave;
  absl::Duration wait;
  std::string why;  // for kKeep and kLeave
};

// `statement` is proven and speaks of the chunk that was sent as `ref` by device `device_id`;
// `resends` counts the RESEND answers it got before. A word that contradicts itself, names another
// device or key, or whose commit a crash may undo (unless `accept_unsafe_durability`), never costs
// the device its copy.
ReceiptDecision Decide(const v1::ReceiptStatement& statement, const ChunkRef& ref,
                       const DeviceId& device_id, int resends, bool accept_unsafe_durability);

// "QUARANTINED STREAM_UNKNOWN": outcome and reason without their prefixes, and what ends a reason
// that only a person can end.
std::string Describe(const v1::ReceiptStatement& statement);

}  // namespace tidemark::ingest
