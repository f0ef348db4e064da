#include "store/declared_placements.h"

#include <algorithm>

#include "base/status_macros.h"
#include "store/sql.h"

namespace tidemark::store {
namespace {

// Clocks that one statement looks up.
constexpr size_t kClocksPerQuery = 4'096;

absl::Status Find(ReaderPool& pool, ParticipantId participant, std::span<const DeviceClock> clocks,
                  absl::Time deadline, std::span<std::optional<Placement>> placements) {
  std::vector<Uuid> devices, boots;
  std::vector<int32_t> numbers;
  for (const DeviceClock& clock : clocks) {
    devices.push_back(clock.device_id.uuid);
    boots.push_back(clock.boot_id.uuid);
    numbers.push_back(static_cast<int32_t>(clock.clock_id));
  }
  db::BinaryParams params;
  params.Add(participant).AddArray(std::span<const Uuid>(devices));
  params.AddArray(std::span<const Uuid>(boots)).AddArray(std::span<const int32_t>(numbers));
  TM_ASSIGN_OR_RETURN(const db::BinaryResult rows,
                      pool.Query(participant, sql::kFindPlacements, params, deadline));
  TM_RETURN_IF_ERROR((rows.Expect<int64_t, int64_t, int64_t>()));
  for (int i = 0; i < rows.rows(); ++i) {
    const auto place = static_cast<size_t>(rows.Int64(i, 0)) - 1;  // counted from 1
    Placement& placement = placements[place].emplace();
    placement.boot_id = clocks[place].boot_id;
    placement.clock_id = clocks[place].clock_id;
    placement.anchor_device_ns = rows.Int64(i, 1);
    placement.anchor_study_ns = rows.Int64(i, 2);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::optional<Placement>>> DeclaredPlacements::For(
    ParticipantId participant, std::span<const DeviceClock> clocks, absl::Time deadline) {
  std::vector<std::optional<Placement>> placements(clocks.size());
  for (size_t begin = 0; begin < clocks.size(); begin += kClocksPerQuery) {
    const size_t count = std::min(kClocksPerQuery, clocks.size() - begin);
    TM_RETURN_IF_ERROR(Find(*pool_, participant, clocks.subspan(begin, count), deadline,
                            std::span(placements).subspan(begin, count)));
  }
  return placements;
}

}  // namespace tidemark::store
