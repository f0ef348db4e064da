// What people read of a bench's streams: windows of samples, and pictures.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/api.h"
#include "tests/bench/fleet.h"

namespace tidemark::bench {

// Half open, nanoseconds of a device's clock or of study time.
struct TimeSpanNs {
  int64_t begin_ns = 0;
  int64_t end_ns = 0;
};

// Study time of device time 0 of the boots that PlaceBoot has placed.
inline constexpr int64_t kBenchWallNs = 1'767'225'600'000'000'000;  // 2026-01-01T00:00:00Z

// Uploads the clock pair that puts a boot of the device on study time.
absl::Status PlaceBoot(const FleetDevice& device, const BootId& boot);

class SignalClient {
 public:
  static absl::StatusOr<SignalClient> Connect(const std::string& server, const std::string& token);

  // Samples of a range of device time: bytes of stamps and values that came.
  absl::StatusOr<uint64_t> ReadWindow(const FleetDevice& device, const BootId& boot,
                                      const TimeSpanNs& device_time) const;
  // A picture of a range of study time; DATA_LOSS if it is empty.
  absl::Status Overview(const FleetDevice& device, const TimeSpanNs& study_time,
                        uint32_t width) const;

 private:
  explicit SignalClient(std::unique_ptr<cli::Api> api) : api_(std::move(api)) {}

  std::unique_ptr<cli::Api> api_;
};

}  // namespace tidemark::bench
