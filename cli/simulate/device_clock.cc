#include "cli/simulate/device_clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/crypto.h"
#include "cli/simulate/schedule.h"

namespace tidemark::cli {
namespace {

constexpr double kRebootEveryS = 4 * 3600;
constexpr double kBootMinS = 600;
constexpr double kDriftMax = 50e-6;
const double kWanderPerStep = 0.3e-6 * std::sqrt(10.0 / 3600);

BootId IdOf(const SimulateOptions& options, int participant, std::string_view device,
            size_t index) {
  const Sha256Digest digest = Sha256(fmt::format("tidemark-simulate-v1\n{}\n{}\n{}\n{}",
                                                 options.seed, participant, device, index));
  return *BootId::FromBytes(AsView(digest).substr(0, 16));
}

int64_t ToNs(double seconds) { return static_cast<int64_t>(std::llround(seconds * kNsPerS)); }

}  // namespace

std::vector<Boot> MakeBoots(const SimulateOptions& options, int participant,
                            std::string_view device) {
  Random random(options.seed, participant, fmt::format("boots/{}", device));
  const int64_t end_ns = EndNs(options);
  std::vector<Boot> boots;
  if (!options.clock_faults) {
    boots.push_back({.id = IdOf(options, participant, device, 0),
                     .end_ns = end_ns,
                     .monotonic_at_begin_ns = options.start_wall_ns});
    return boots;
  }
  const double drift = random.Between(-kDriftMax, kDriftMax);
  int64_t begin_ns = 0;
  while (begin_ns < end_ns) {
    Boot boot{.id = IdOf(options, participant, device, boots.size()), .begin_ns = begin_ns};
    boot.end_ns = begin_ns + ToNs(kBootMinS + random.Exponential(kRebootEveryS));
    boot.end_ns = std::min(boot.end_ns, end_ns);
    // The first boot is hours old; after a restart the app is up within seconds.
    const double up_s = boots.empty() ? random.Between(600, 400'000) : random.Between(8, 40);
    boot.monotonic_at_begin_ns = ToNs(up_s);
    boot.rate = drift + 1e-6 * random.Normal();
    boot.wall_error_ns = ToNs(0.4 * random.Normal());
    boots.push_back(boot);
    begin_ns = boot.end_ns + ToNs(random.Between(45, 90));
  }
  return boots;
}

DeviceClock::DeviceClock(const SimulateOptions& options, int participant, std::string_view device,
                         const Boot& boot, int boot_index)
    : random_(options.seed, participant, fmt::format("wander/{}/{}", device, boot_index)),
      begin_ns_(boot.begin_ns),
      wanders_(options.clock_faults) {
  knots_.push_back({.monotonic_ns = boot.monotonic_at_begin_ns, .rate = boot.rate});
}

int64_t DeviceClock::MonotonicNs(int64_t t_ns) {
  const int64_t since_ns = std::max<int64_t>(t_ns - begin_ns_, 0);
  const int64_t index = since_ns / kStepNs;
  while (index >= first_knot_ + static_cast<int64_t>(knots_.size())) {
    const Knot& last = knots_.back();
    const auto gained_ns = static_cast<int64_t>(last.rate * static_cast<double>(kStepNs));
    const double step = wanders_ ? kWanderPerStep * random_.Normal() : 0;
    knots_.push_back(
        {.monotonic_ns = last.monotonic_ns + kStepNs + gained_ns, .rate = last.rate + step});
    if (static_cast<int64_t>(knots_.size()) > kMemoryNs / kStepNs + 1) {
      knots_.pop_front();
      ++first_knot_;
    }
  }
  const Knot& knot = knots_[static_cast<size_t>(std::max<int64_t>(index - first_knot_, 0))];
  const int64_t into_ns = since_ns - index * kStepNs;
  return knot.monotonic_ns + into_ns +
         static_cast<int64_t>(knot.rate * static_cast<double>(into_ns));
}

}  // namespace tidemark::cli
