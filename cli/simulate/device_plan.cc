#include "cli/simulate/device_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/simulate/random.h"

namespace tidemark::cli {
namespace {

constexpr int64_t kSensorStartNs = 300'000'000;  // after the app is up
constexpr double kRateError = 0.004;

int64_t PeriodNs(Random& random, double nominal_hz) {
  const double rate_hz = nominal_hz * (1 + random.Between(-kRateError, kRateError));
  return static_cast<int64_t>(std::llround(1e9 / rate_hz));
}

}  // namespace

std::string ParticipantCode(int participant) { return fmt::format("sim{:03}", participant + 1); }

std::vector<SensorPlan> PlanSensors(const SimulateOptions& options, int participant,
                                    std::string_view device) {
  Random random(options.seed, participant, fmt::format("sensors/{}", device));
  const int64_t motion_ns = PeriodNs(random, 100);
  if (device == kPhoneName) {
    const FaultRates rates{.rate_hz = 100, .may_repeat = true, .may_be_nan = true};
    return {{.name = "acc", .period_ns = motion_ns, .rates = rates},
            {.name = "gyro", .period_ns = motion_ns, .rates = rates}};
  }
  return {{.name = "acc", .period_ns = motion_ns, .rates = {.rate_hz = 100}},
          {.name = "gyro", .period_ns = motion_ns, .rates = {.rate_hz = 100}},
          {.name = "ppg", .period_ns = PeriodNs(random, 64), .rates = {.rate_hz = 64}}};
}

uint64_t SamplesInBoot(const Boot& boot, int64_t period_ns) {
  const int64_t on_ns = boot.end_ns - boot.begin_ns - kSensorStartNs;
  return on_ns <= 0 ? 0 : static_cast<uint64_t>((on_ns + period_ns - 1) / period_ns);
}

int64_t SampleNs(const Boot& boot, int64_t period_ns, uint64_t i) {
  return boot.begin_ns + kSensorStartNs + static_cast<int64_t>(i) * period_ns;
}

FaultPlan PlanFaults(const SimulateOptions& options, int participant, std::string_view device,
                     const SensorPlan& sensor, const Boot& boot, size_t boot_index) {
  return {options, participant, fmt::format("{}/{}/{}", device, sensor.name, boot_index),
          sensor.rates, SamplesInBoot(boot, sensor.period_ns)};
}

const Boot* BootOf(const std::vector<Boot>& boots, int64_t begin_ns, int64_t end_ns) {
  const auto found = std::find_if(boots.begin(), boots.end(), [&](const Boot& boot) {
    return boot.begin_ns <= begin_ns && end_ns <= boot.end_ns;
  });
  return found == boots.end() ? nullptr : &*found;
}

}  // namespace tidemark::cli
