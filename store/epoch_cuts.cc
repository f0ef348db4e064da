#include "store/epoch_cuts.h"

#include "base/status_macros.h"
#include "store/sql.h"

namespace tidemark::store {

absl::Status RefuseCutBoots(const ChunkScan::Target& target, DeviceId device) {
  db::BinaryParams params;
  params.Add(target.participant_id).Add(target.stream_id).Add(device);
  TM_ASSIGN_OR_RETURN(
      const db::BinaryResult rows,
      target.pool->Query(target.participant_id, sql::kFindCutBoot, params, target.deadline));
  if (rows.rows() == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "a clock was reset within a boot and this server has no model of its epochs: read by device "
      "time");
}

}  // namespace tidemark::store
