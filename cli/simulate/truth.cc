#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/status_macros.h"
#include "cli/simulate/device_plan.h"
#include "cli/simulate/schedule.h"
#include "cli/simulate/simulate.h"
#include "cli/simulate/sound.h"

namespace tidemark::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kClockEveryNs = 600'000'000'000;

// Turns the simulator's time into UTC nanoseconds.
class Teller {
 public:
  Teller(const SimulateOptions& options, int participant)
      : options_(options), participant_(participant) {}

  Json Participant() const {
    Json told{{"code", ParticipantCode(participant_)}};
    TellActivities(told);
    told["devices"] = Json::array({Device(kWatchName), Device(kPhoneName)});
    return told;
  }

 private:
  int64_t Utc(int64_t t_ns) const { return options_.start_wall_ns + t_ns; }

  void TellActivities(Json& told) const {
    Json activities = Json::array();
    Json taps = Json::array();
    Schedule schedule(options_, participant_);
    for (int64_t at_ns = 0; at_ns < schedule.end_ns();) {
      const Interval interval = schedule.At(at_ns);
      at_ns = interval.end_ns;
      Json& activity = activities.emplace_back(Json{{"begin_ns", Utc(interval.begin_ns)},
                                                    {"end_ns", Utc(interval.end_ns)},
                                                    {"activity", NameOf(interval.activity)},
                                                    {"arm", NameOf(interval.posture)}});
      if (interval.cadence_hz > 0) activity["cadence_hz"] = interval.cadence_hz;
    }
    for (const Tap& tap : schedule.taps()) {
      taps.push_back({{"t_ns", Utc(tap.t_ns)}, {"double", tap.is_double}});
    }
    told["activities"] = std::move(activities);
    told["taps"] = std::move(taps);
  }

  Json Device(std::string_view device) const {
    const std::vector<Boot> boots = MakeBoots(options_, participant_, device);
    Json told{{"name", device}, {"boots", Json::array()}, {"streams", Json::array()}};
    for (size_t i = 0; i < boots.size(); ++i)
      told["boots"].push_back(TellBoot(device, boots[i], i));
    for (const SensorPlan& sensor : PlanSensors(options_, participant_, device)) {
      told["streams"].push_back(Sensor(device, sensor, boots));
    }
    if (device == kPhoneName && options_.audio) told["audio_bouts"] = Bouts(boots);
    return told;
  }

  Json TellBoot(std::string_view device, const Boot& boot, size_t index) const {
    Json told{{"boot_id", boot.id.ToString()},        {"begin_ns", Utc(boot.begin_ns)},
              {"end_ns", Utc(boot.end_ns)},           {"wall_error_ns", boot.wall_error_ns},
              {"rate_ppm_at_begin", boot.rate * 1e6}, {"clock", Json::array()}};
    DeviceClock clock(options_, participant_, device, boot, static_cast<int>(index));
    for (int64_t at_ns = boot.begin_ns;; at_ns = std::min(at_ns + kClockEveryNs, boot.end_ns)) {
      told["clock"].push_back({{"t_ns", Utc(at_ns)}, {"device_ns", clock.MonotonicNs(at_ns)}});
      if (at_ns == boot.end_ns) return told;
    }
  }

  Json Sensor(std::string_view device, const SensorPlan& sensor,
              const std::vector<Boot>& boots) const {
    Json faults = Json::array();
    uint64_t samples = 0;
    for (size_t i = 0; i < boots.size(); ++i) {
      FaultPlan plan = PlanFaults(options_, participant_, device, sensor, boots[i], i);
      for (; plan.current(); plan.Next()) {
        const Fault& fault = *plan.current();
        faults.push_back({{"kind", NameOf(fault.kind)},
                          {"first_counter", samples + fault.first},
                          {"count", fault.count},
                          {"begin_ns", Utc(SampleNs(boots[i], sensor.period_ns, fault.first))},
                          {"end_ns", Utc(SampleNs(boots[i], sensor.period_ns, fault.end()))}});
      }
      samples += SamplesInBoot(boots[i], sensor.period_ns);
    }
    return {{"name", sensor.name},
            {"period_ns", sensor.period_ns},
            {"samples_taken", samples},
            {"faults", std::move(faults)}};
  }

  Json Bouts(const std::vector<Boot>& boots) const {
    Json told = Json::array();
    for (const int64_t bout_ns : SoundBouts(options_, participant_)) {
      if (BootOf(boots, bout_ns, bout_ns + kBoutNs) == nullptr) continue;
      told.push_back({{"begin_ns", Utc(bout_ns)}, {"end_ns", Utc(bout_ns + kBoutNs)}});
    }
    return told;
  }

  const SimulateOptions& options_;
  const int participant_;
};

}  // namespace

absl::Status WriteTruth(const SimulateOptions& options, const std::string& path) {
  TM_RETURN_IF_ERROR(CheckOptions(options));
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << fmt::format("{{\"format\": 1, \"seed\": {}, \"hours\": {}, \"start_ns\": {},\n",
                      options.seed, options.hours, options.start_wall_ns);
  file << "\"participants\": [";
  // One participant at a time, so that memory does not grow with the study.
  for (int i = 0; i < options.participants; ++i) {
    file << (i == 0 ? "\n" : ",\n") << Teller(options, i).Participant().dump(1);
  }
  file << "\n]}\n";
  file.close();
  if (!file) return absl::UnavailableError(fmt::format("{}: cannot be written", path));
  return absl::OkStatus();
}

}  // namespace tidemark::cli
