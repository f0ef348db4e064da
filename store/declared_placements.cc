#include "store/declared_placements.h"

#include "base/status_macros.h"
#include "store/sql.h"

namespace tidemark::store {
namespace {

absl::StatusOr<std::vector<DevicePlacement>> Find(ReaderPool& pool, ParticipantId participant,
                                                  db::BinaryParams& params, absl::Time deadline) {
  params.Add(int64_t{kPlacementsMax} + 1);
  TM_ASSIGN_OR_RETURN(const db::BinaryResult rows,
                      pool.Query(participant, sql::kFindDeclaredPlacements, params, deadline));
  if (static_cast<size_t>(rows.rows()) > kPlacementsMax) {
    return absl::ResourceExhaustedError("a participant has too many boots to place");
  }
  std::vector<DevicePlacement> placements;
  placements.reserve(static_cast<size_t>(rows.rows()));
  for (int i = 0; i < rows.rows(); ++i) {
    DevicePlacement& found = placements.emplace_back();
    found.device_id = DeviceId{rows.UuidAt(i, 0)};
    found.placement.boot_id = BootId{rows.UuidAt(i, 1)};
    found.placement.clock_id = static_cast<uint32_t>(rows.Int32(i, 2));
    found.placement.anchor_device_ns = rows.Int64(i, 3);
    found.placement.anchor_study_ns = rows.Int64(i, 4);
  }
  return placements;
}

}  // namespace

absl::StatusOr<std::vector<DevicePlacement>> DeclaredPlacements::ForParticipant(
    ParticipantId participant, absl::Time deadline) {
  db::BinaryParams params;
  params.Add(participant).AddNull();
  return Find(*pool_, participant, params, deadline);
}

absl::StatusOr<std::vector<DevicePlacement>> DeclaredPlacements::ForDevice(
    ParticipantId participant, DeviceId device, absl::Time deadline) {
  db::BinaryParams params;
  params.Add(participant).Add(device);
  return Find(*pool_, participant, params, deadline);
}

}  // namespace tidemark::store
