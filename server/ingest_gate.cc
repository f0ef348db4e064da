#include "server/ingest_gate.h"

#include <string>

#include "base/log.h"
#include "base/rpc/reason.h"

namespace tidemark::server {
namespace {

constexpr absl::Duration kRetryDelay = absl::Seconds(60);

}  // namespace

absl::Status IngestGate::Check() const {
  MutexLock lock(mutex_);
  if (refusal_.ok()) return absl::OkStatus();
  return rpc::WithRetry(
      rpc::Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_INGEST_REFUSED,
                 std::string(refusal_.message())),
      kRetryDelay);
}

void IngestGate::Update(const absl::Status& looked) {
  MutexLock lock(mutex_);
  if (!looked.ok() && !absl::IsFailedPrecondition(looked)) return;
  if (looked != refusal_) {
    if (looked.ok()) {
      LogInfo("ingest is open");
    } else {
      LogError("ingest is refused: {}", std::string(looked.message()));
    }
  }
  refusal_ = looked;
}

}  // namespace tidemark::server
