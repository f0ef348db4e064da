#include "server/disk_forecast.h"

namespace tidemark::server {

void DiskForecast::Add(absl::Time now, int64_t bytes) {
  newest_ = {now, bytes};
  if (kept_.empty() || now - kept_.back().time >= kStep) kept_.push_back(newest_);
  while (kept_.size() > 1 && now - kept_.front().time > kWindow) kept_.pop_front();
}

std::optional<DiskForecast::Growth> DiskForecast::growth() const {
  if (kept_.empty()) return std::nullopt;
  const absl::Duration watched = newest_.time - kept_.front().time;
  if (watched < kLeast) return std::nullopt;
  const auto more = static_cast<double>(newest_.bytes - kept_.front().bytes);
  return Growth{more / absl::FDivDuration(watched, absl::Hours(24)), watched};
}

std::optional<double> DaysUntilFull(const DiskForecast::Growth& growth, int64_t free_bytes) {
  if (growth.bytes_per_day <= 0) return std::nullopt;
  return static_cast<double>(free_bytes) / growth.bytes_per_day;
}

}  // namespace tidemark::server
