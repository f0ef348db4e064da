// What the devices of a simulated person are: their sensors and how these sample.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/simulate/device_clock.h"
#include "cli/simulate/faults.h"
#include "cli/simulate/simulate.h"

namespace tidemark::cli {

inline constexpr std::string_view kWatchName = "watch";
inline constexpr std::string_view kPhoneName = "phone";

std::string ParticipantCode(int participant);

// A sensor that samples on a grid of its own, with faults.
struct SensorPlan {
  std::string name;       // of the stream
  int64_t period_ns = 0;  // true time between samples: no crystal is quite what it says
  FaultRates rates;
};

// The fast sensors of a device; acc and gyro share one grid.
std::vector<SensorPlan> PlanSensors(const SimulateOptions& options, int participant,
                                    std::string_view device);

// Sample i of a boot is taken at SampleNs(boot, period, i), for i < SamplesInBoot(boot, period).
uint64_t SamplesInBoot(const Boot& boot, int64_t period_ns);
int64_t SampleNs(const Boot& boot, int64_t period_ns, uint64_t i);

// The faults of one sensor in one boot.
FaultPlan PlanFaults(const SimulateOptions& options, int participant, std::string_view device,
                     const SensorPlan& sensor, const Boot& boot, size_t boot_index);

// The boots in which a stretch [begin, end) is recorded whole: none or one.
const Boot* BootOf(const std::vector<Boot>& boots, int64_t begin_ns, int64_t end_ns);

}  // namespace tidemark::cli
