#include "cli/simulate/simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "cli/import/recorder.h"
#include "cli/simulate/declarations.h"
#include "cli/simulate/device_plan.h"
#include "cli/simulate/faulty_stream.h"
#include "cli/simulate/motion.h"
#include "cli/simulate/physiology.h"
#include "cli/simulate/sound.h"

namespace tidemark::cli {
namespace {

constexpr int64_t kBlockNs = 60 * kNsPerSecond;       // a chunk of a fast stream
constexpr int64_t kSlowFlushNs = 600 * kNsPerSecond;  // and of a slow one
constexpr int64_t kClockPairEveryNs = 600 * kNsPerSecond;

template <class Int>
Int Counts(double value, double scale) {
  const double limit = std::numeric_limits<Int>::max();
  return static_cast<Int>(std::lround(std::clamp(value / scale, -limit, limit)));
}

// A phone's driver counts too, and hands out floats.
float Stepped(double value, double scale) {
  return static_cast<float>(std::round(value / scale) * scale);
}

// One-way delay of a message over Wi-Fi, the noise model of the timeline reference: half the base,
// an exponential part, and now and then a heavy tail.
int64_t DelayNs(Random& random) {
  constexpr double kBaseMs = 40, kMeanMs = 7.5, kTailChance = 0.05, kTailMs = 60, kTailShape = 1.5;
  double delay_ms = kBaseMs / 2 + random.Exponential(kMeanMs);
  if (random.Chance(kTailChance)) {
    delay_ms += kTailMs * (std::pow(1 - random.Unit(), -1 / kTailShape) - 1);
  }
  return static_cast<int64_t>(delay_ms * 1e6);
}

// What both devices do: boots, clock pairs, probes, and two motion streams on one grid.
class DevicePlayer {
 public:
  DevicePlayer(const SimulateOptions& options, int participant, std::string_view device,
               Wearing wearing, ingest::RecordingSink& sink)
      : options_(options),
        participant_(participant),
        device_(device),
        sink_(sink),
        boots_(MakeBoots(options, participant, device)),
        sensors_(PlanSensors(options, participant, device)),
        motion_(options, participant, wearing),
        links_(options.seed, participant, fmt::format("links/{}", device)) {}
  virtual ~DevicePlayer() = default;
  DevicePlayer(const DevicePlayer&) = delete;
  DevicePlayer& operator=(const DevicePlayer&) = delete;

  absl::Status Play() {
    TM_RETURN_IF_ERROR(Declare());
    for (boot_index_ = 0; boot_index_ < boots_.size(); ++boot_index_) {
      TM_RETURN_IF_ERROR(PlayBoot());
    }
    return absl::OkStatus();
  }

 protected:
  virtual absl::Status Declare() = 0;
  virtual void AddMotion(int64_t t_ns, const MotionSample& sample) = 0;
  // Everything else of [begin, end), within the current boot.
  virtual absl::Status PlayOthers(int64_t begin_ns, int64_t end_ns) = 0;
  virtual void BeginOthers() {}
  virtual absl::Status EndOthers() { return absl::OkStatus(); }

  const Boot& boot() const { return boots_[boot_index_]; }
  int64_t StampNs(int64_t t_ns) { return clock_->MonotonicNs(t_ns); }

  absl::StatusOr<FaultyStream> Open(const std::string& name,
                                    const v1::StreamDeclaration& declaration) {
    TM_ASSIGN_OR_RETURN(const int handle, sink_.DeclareStream(name, declaration));
    return FaultyStream(sink_, handle, static_cast<size_t>(declaration.channels_size()),
                        declaration.stamped());
  }
  absl::Status DeclareMotion(const v1::StreamDeclaration& acc, const v1::StreamDeclaration& gyro) {
    TM_ASSIGN_OR_RETURN(acc_, Open("acc", acc));
    TM_ASSIGN_OR_RETURN(gyro_, Open("gyro", gyro));
    return absl::OkStatus();
  }
  FaultPlan FaultsOf(size_t sensor) const {
    return PlanFaults(options_, participant_, device_, sensors_[sensor], boot(), boot_index_);
  }

  // Calls `sample(t_ns)` for the samples of a sensor in [begin, end); `next` counts within the
  // boot.
  template <class Sample>
  void Tick(int64_t period_ns, uint64_t& next, int64_t end_ns, Sample sample) {
    for (; SampleNs(boot(), period_ns, next) < end_ns; ++next) {
      sample(SampleNs(boot(), period_ns, next));
    }
  }

  const SimulateOptions& options_;
  const int participant_;
  const std::string device_;
  ingest::RecordingSink& sink_;
  const std::vector<Boot> boots_;
  const std::vector<SensorPlan> sensors_;
  std::optional<FaultyStream> acc_;
  std::optional<FaultyStream> gyro_;

 private:
  absl::Status PlayBoot() {
    clock_.emplace(options_, participant_, device_, boot(), static_cast<int>(boot_index_));
    TM_RETURN_IF_ERROR(SayBoot());
    next_pair_ns_ = next_probe_ns_ = boot().begin_ns;
    acc_->BeginBoot(FaultsOf(0));
    gyro_->BeginBoot(FaultsOf(1));
    next_motion_ = 0;
    BeginOthers();
    for (int64_t at_ns = boot().begin_ns; at_ns < boot().end_ns; at_ns += kBlockNs) {
      const int64_t end_ns = std::min(at_ns + kBlockNs, boot().end_ns);
      TM_RETURN_IF_ERROR(SayClock(end_ns));
      TM_RETURN_IF_ERROR(PlayMotion(end_ns));
      TM_RETURN_IF_ERROR(PlayOthers(at_ns, end_ns));
    }
    return EndOthers();
  }

  int64_t WallNs(int64_t t_ns) const {
    return options_.start_wall_ns + t_ns + boot().wall_error_ns;
  }

  absl::Status SayBoot() {
    v1::BootStart start;
    start.set_monotonic_ns(StampNs(boot().begin_ns));
    start.set_wall_ns(WallNs(boot().begin_ns));
    start.set_zone("Etc/UTC");
    start.set_app_version("simulator 1");
    start.set_system_version(device_ == kWatchName ? "watch 1" : "phone 1");
    return sink_.BeginBoot(boot().id, start);
  }

  // Clock pairs and probes that are due before `end_ns`.
  absl::Status SayClock(int64_t end_ns) {
    for (; next_pair_ns_ < end_ns; next_pair_ns_ += kClockPairEveryNs) {
      v1::ClockPair pair;
      pair.set_monotonic_ns(StampNs(next_pair_ns_));
      pair.set_sensor_ns(pair.monotonic_ns());
      pair.set_wall_ns(WallNs(next_pair_ns_));
      pair.set_zone("Etc/UTC");
      TM_RETURN_IF_ERROR(sink_.AddClockPair(pair));
    }
    while (options_.probes && next_probe_ns_ < end_ns) {
      TM_RETURN_IF_ERROR(SayProbe(next_probe_ns_));
      next_probe_ns_ += static_cast<int64_t>(60e9 * links_.Between(0.8, 1.2));
    }
    return absl::OkStatus();
  }

  absl::Status SayProbe(int64_t t_ns) {
    constexpr int64_t kServerNs = 2'000'000;
    const int64_t t2_ns = t_ns + DelayNs(links_);
    const int64_t t3_ns = t2_ns + kServerNs;
    v1::Probe probe;
    probe.set_t1_device_ns(StampNs(t_ns));
    probe.set_t2_server_ns(options_.start_wall_ns + t2_ns);
    probe.set_t3_server_ns(options_.start_wall_ns + t3_ns);
    probe.set_t4_device_ns(StampNs(t3_ns + DelayNs(links_)));
    return sink_.AddProbe(probe);
  }

  absl::Status PlayMotion(int64_t end_ns) {
    Tick(sensors_[0].period_ns, next_motion_, end_ns,
         [&](int64_t t_ns) { AddMotion(t_ns, motion_.At(t_ns)); });
    TM_RETURN_IF_ERROR(acc_->Flush());
    return gyro_->Flush();
  }

  size_t boot_index_ = 0;
  std::optional<DeviceClock> clock_;
  Motion motion_;
  Random links_;
  int64_t next_pair_ns_ = 0;
  int64_t next_probe_ns_ = 0;
  uint64_t next_motion_ = 0;
};

// Charge in per cent: falls over `empty_s`, and is charged again.
int16_t Charge(int64_t t_ns, int64_t empty_s) {
  return static_cast<int16_t>(98 - t_ns / kNsPerSecond % empty_s * 90 / empty_s);
}

class WatchPlayer : public DevicePlayer {
 public:
  WatchPlayer(const SimulateOptions& options, int participant, ingest::RecordingSink& sink)
      : DevicePlayer(options, participant, kWatchName, Wearing::kWrist, sink),
        body_(options, participant) {}

 private:
  static constexpr int64_t kHeartRateEveryNs = kNsPerSecond;
  static constexpr int64_t kSkinEveryNs = 4 * kNsPerSecond;
  static constexpr int64_t kBatteryEveryNs = 60 * kNsPerSecond;
  static constexpr int64_t kEmptyS = 36 * 3600;

  absl::Status Declare() override {
    TM_RETURN_IF_ERROR(
        DeclareMotion(WatchMotion(v1::MODALITY_ACCELERATION), WatchMotion(v1::MODALITY_GYROSCOPE)));
    TM_ASSIGN_OR_RETURN(ppg_, Open("ppg", Ppg()));
    TM_ASSIGN_OR_RETURN(heart_rate_, Open("heart_rate", HeartRate()));
    TM_ASSIGN_OR_RETURN(skin_, Open("skin_temp", SkinTemperature()));
    TM_ASSIGN_OR_RETURN(wear_, Open("wear", WearState()));
    TM_ASSIGN_OR_RETURN(battery_, Open("battery", Battery()));
    return absl::OkStatus();
  }

  void AddMotion(int64_t t_ns, const MotionSample& sample) override {
    const int64_t stamp_ns = StampNs(t_ns);
    if (acc_->Begin(stamp_ns)) {
      for (size_t i = 0; i < 3; ++i) {
        acc_->Value(i, Counts<int16_t>(sample.acceleration[i], kAccelerationScale));
      }
    }
    if (gyro_->Begin(stamp_ns)) {
      for (size_t i = 0; i < 3; ++i) {
        gyro_->Value(i, Counts<int16_t>(sample.rotation[i], kRotationScale));
      }
    }
  }

  void BeginOthers() override {
    ppg_->BeginBoot(FaultsOf(2));
    next_ppg_ = 0;
    next_heart_rate_ns_ = next_skin_ns_ = next_battery_ns_ = boot().begin_ns + kNsPerSecond;
    flush_slow_ns_ = boot().begin_ns + kSlowFlushNs;
    said_worn_.reset();
  }

  absl::Status PlayOthers(int64_t, int64_t end_ns) override {
    Tick(sensors_[2].period_ns, next_ppg_, end_ns, [&](int64_t t_ns) {
      const BodySample body = body_.At(t_ns);
      if (ppg_->Begin(StampNs(t_ns))) ppg_->Value(0, body.ppg);
      AddSlow(t_ns, body);
    });
    TM_RETURN_IF_ERROR(ppg_->Flush());
    if (end_ns < flush_slow_ns_) return absl::OkStatus();
    flush_slow_ns_ += kSlowFlushNs;
    return EndOthers();
  }

  absl::Status EndOthers() override {
    for (auto* stream : {&heart_rate_, &skin_, &wear_, &battery_}) {
      TM_RETURN_IF_ERROR((*stream)->Flush());
    }
    return absl::OkStatus();
  }

  // The slow sensors sample when they are due; off the wrist the watch knows no heart rate.
  void AddSlow(int64_t t_ns, const BodySample& body) {
    const auto due = [&](int64_t& next_ns, int64_t every_ns) {
      if (t_ns < next_ns) return false;
      next_ns += every_ns;
      return true;
    };
    if (due(next_heart_rate_ns_, kHeartRateEveryNs) && body.worn &&
        heart_rate_->Begin(StampNs(t_ns))) {
      heart_rate_->Value(0, static_cast<float>(std::round(body.heart_rate_bpm)));
    }
    if (due(next_skin_ns_, kSkinEveryNs) && skin_->Begin(StampNs(t_ns))) {
      skin_->Value(0, Stepped(body.skin_celsius, 0.01));
    }
    if (due(next_battery_ns_, kBatteryEveryNs) && battery_->Begin(StampNs(t_ns))) {
      battery_->Value(0, Charge(t_ns, kEmptyS));
    }
    if (said_worn_ != body.worn && wear_->Begin(StampNs(t_ns))) {
      wear_->Value(0, static_cast<int16_t>(body.worn));
      said_worn_ = body.worn;
    }
  }

  Physiology body_;
  std::optional<FaultyStream> ppg_, heart_rate_, skin_, wear_, battery_;
  uint64_t next_ppg_ = 0;
  int64_t next_heart_rate_ns_ = 0;
  int64_t next_skin_ns_ = 0;
  int64_t next_battery_ns_ = 0;
  int64_t flush_slow_ns_ = 0;
  std::optional<bool> said_worn_;
};

class PhonePlayer : public DevicePlayer {
 public:
  PhonePlayer(const SimulateOptions& options, int participant, ingest::RecordingSink& sink)
      : DevicePlayer(options, participant, kPhoneName, Wearing::kPocket, sink),
        jitter_(options.seed, participant, "jitter"),
        sound_(options, participant) {
    for (const int64_t bout_ns : SoundBouts(options, participant)) {
      if (BootOf(boots_, bout_ns, bout_ns + kBoutNs) != nullptr) bouts_.push_back(bout_ns);
    }
  }

 private:
  static constexpr int64_t kBatteryEveryNs = 60 * kNsPerSecond;
  static constexpr int64_t kEmptyS = 20 * 3600;

  absl::Status Declare() override {
    TM_RETURN_IF_ERROR(
        DeclareMotion(PhoneMotion(v1::MODALITY_ACCELERATION), PhoneMotion(v1::MODALITY_GYROSCOPE)));
    TM_ASSIGN_OR_RETURN(battery_, Open("battery", Battery()));
    if (options_.audio) {
      TM_ASSIGN_OR_RETURN(audio_, Open("audio", Audio()));
    }
    return absl::OkStatus();
  }

  // The phone's system stamps late by a little, in whole microseconds, and never out of order.
  void AddMotion(int64_t t_ns, const MotionSample& sample) override {
    constexpr double kLateMeanNs = 400e3, kLateMaxNs = 4e6;
    const double late_ns = std::min(jitter_.Exponential(kLateMeanNs), kLateMaxNs);
    const int64_t stamp_ns = (StampNs(t_ns) + static_cast<int64_t>(late_ns)) / 1000 * 1000;
    if (acc_->Begin(stamp_ns)) {
      for (size_t i = 0; i < 3; ++i) {
        acc_->Value(i, Stepped(sample.acceleration[i], kAccelerationScale));
      }
    }
    if (gyro_->Begin(stamp_ns)) {
      for (size_t i = 0; i < 3; ++i) gyro_->Value(i, Stepped(sample.rotation[i], kRotationScale));
    }
  }

  void BeginOthers() override {
    next_battery_ns_ = boot().begin_ns + kNsPerSecond;
    flush_slow_ns_ = boot().begin_ns + kSlowFlushNs;
  }

  absl::Status PlayOthers(int64_t begin_ns, int64_t end_ns) override {
    for (; next_battery_ns_ < end_ns; next_battery_ns_ += kBatteryEveryNs) {
      if (battery_->Begin(StampNs(next_battery_ns_))) {
        battery_->Value(0, Charge(next_battery_ns_, kEmptyS));
      }
    }
    for (const int64_t bout_ns : bouts_) {
      if (bout_ns >= begin_ns && bout_ns < end_ns) TM_RETURN_IF_ERROR(PlayBout(bout_ns));
    }
    if (end_ns < flush_slow_ns_) return absl::OkStatus();
    flush_slow_ns_ += kSlowFlushNs;
    return EndOthers();
  }
  absl::Status EndOthers() override { return battery_->Flush(); }

  absl::Status PlayBout(int64_t bout_ns) {
    constexpr int64_t kSamples = kBoutNs / kNsPerSecond * kSoundRateHz;
    for (int64_t i = 0; i < kSamples; ++i) {
      // Only the ends of a run matter; a run is a second.
      audio_->Begin(StampNs(bout_ns + i * kNsPerSecond / kSoundRateHz));
      audio_->Value(0, sound_.Next());
      if ((i + 1) % kSoundRateHz == 0) TM_RETURN_IF_ERROR(audio_->Flush());
    }
    return absl::OkStatus();
  }

  Random jitter_;
  Sound sound_;
  std::vector<int64_t> bouts_;
  std::optional<FaultyStream> battery_, audio_;
  int64_t next_battery_ns_ = 0;
  int64_t flush_slow_ns_ = 0;
};

template <class Player>
ingest::Recording MakeRecording(const SimulateOptions& options, int participant,
                                std::string_view device) {
  return {.participant_code = ParticipantCode(participant),
          .device_name = std::string(device),
          .description = fmt::format("simulated {}, {:g} h", device, options.hours),
          .play = [options, participant](ingest::RecordingSink& sink) -> absl::Status {
            TM_RETURN_IF_ERROR(CheckOptions(options));
            return Player(options, participant, sink).Play();
          }};
}

}  // namespace

absl::Status CheckOptions(const SimulateOptions& options) {
  constexpr int kParticipantsMax = 10'000;
  constexpr double kHoursMax = 24 * 366;
  constexpr int64_t kStartMaxNs = 1LL << 62;
  if (options.participants < 1 || options.participants > kParticipantsMax) {
    return absl::InvalidArgumentError("participants must be 1 to 10,000");
  }
  if (!(options.hours > 0 && options.hours <= kHoursMax)) {
    return absl::InvalidArgumentError("hours must be above 0 and at most 8,784");
  }
  if (options.start_wall_ns < 0 || options.start_wall_ns > kStartMaxNs) {
    return absl::InvalidArgumentError("the start must lie between 1970 and 2116");
  }
  return absl::OkStatus();
}

std::vector<ingest::Recording> SimulateStudy(const SimulateOptions& options) {
  std::vector<ingest::Recording> recordings;
  for (int i = 0; i < options.participants; ++i) {
    recordings.push_back(MakeRecording<WatchPlayer>(options, i, kWatchName));
    recordings.push_back(MakeRecording<PhonePlayer>(options, i, kPhoneName));
  }
  return recordings;
}

}  // namespace tidemark::cli
