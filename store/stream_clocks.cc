#include "store/stream_clocks.h"

#include "base/status_macros.h"
#include "store/sql.h"

namespace tidemark::store {

absl::StatusOr<std::vector<StreamClock>> StreamClocks::Next() {
  std::vector<StreamClock> page;
  if (ended_) return page;
  db::BinaryParams params;
  params.Add(target_.participant_id).Add(target_.stream_id);
  params.Add(last_boot_).Add(last_clock_).Add(static_cast<int64_t>(kClocksPerPage));
  TM_ASSIGN_OR_RETURN(
      const db::BinaryResult rows,
      target_.pool->Query(target_.participant_id, sql::kListClocks, params, target_.deadline));
  TM_RETURN_IF_ERROR((rows.Expect<Uuid, int32_t, int64_t, int64_t>()));
  for (int i = 0; i < rows.rows(); ++i) {
    page.push_back({.boot_id = BootId{rows.UuidAt(i, 0)},
                    .clock_id = rows.Int32(i, 1),
                    .first_begin_ns = rows.Int64(i, 2),
                    .last_begin_ns = rows.Int64(i, 3),
                    .placement = std::nullopt});
  }
  ended_ = page.size() < kClocksPerPage;
  if (page.empty()) return page;
  last_boot_ = page.back().boot_id;
  last_clock_ = page.back().clock_id;
  TM_RETURN_IF_ERROR(Place(page));
  return page;
}

absl::Status StreamClocks::Place(std::vector<StreamClock>& page) const {
  std::vector<DeviceClock> clocks;
  clocks.reserve(page.size());
  for (const StreamClock& each : page) {
    clocks.push_back({device_, each.boot_id, static_cast<uint32_t>(each.clock_id)});
  }
  TM_ASSIGN_OR_RETURN(std::vector<std::optional<Placement>> found,
                      placements_->For(target_.participant_id, clocks, target_.deadline));
  for (size_t i = 0; i < page.size(); ++i) page[i].placement = found[i];
  return absl::OkStatus();
}

}  // namespace tidemark::store
