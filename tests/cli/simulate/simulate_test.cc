#include "cli/simulate/simulate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/simulate/declarations.h"
#include "cli/simulate/device_clock.h"
#include "cli/simulate/schedule.h"
#include "tests/cli/import/remembering_sink.h"
#include "tests/cli/import/text_file.h"
#include "tests/support/status_matchers.h"

namespace tidemark::cli {
namespace {

using nlohmann::json;
using support::IsOk;
using support::RememberedStream;
using support::RememberingSink;
using support::StatusIs;

constexpr double kGravity = 9.80665;

// The watch and the phone of the first participant, and what is true of them.
struct Played {
  RememberingSink watch;
  RememberingSink phone;
  json truth;

  const json& device(size_t i) const { return truth["participants"][0]["devices"][i]; }
};

json ReadTruth(const SimulateOptions& options) {
  support::TempFolder folder;
  const std::string path = folder.path("truth.json");
  EXPECT_THAT(WriteTruth(options, path), IsOk());
  std::ifstream file(path);
  return json::parse(file);
}

void Play(const SimulateOptions& options, Played& played) {
  const auto recordings = SimulateStudy(options);
  ASSERT_EQ(recordings.size(), 2 * static_cast<size_t>(options.participants));
  ASSERT_THAT(recordings[0].play(played.watch), IsOk());
  ASSERT_THAT(recordings[1].play(played.phone), IsOk());
  played.truth = ReadTruth(options);
}

// First counters and lengths of the jumps between the runs of a stream.
std::map<uint64_t, uint64_t> Jumps(const RememberedStream& stream) {
  std::map<uint64_t, uint64_t> jumps;
  uint64_t next = 0;
  for (const auto& run : stream.runs) {
    if (run.first_counter != next) jumps[next] = run.first_counter - next;
    next = run.first_counter + run.stamps.size();
  }
  return jumps;
}

TEST(SimulateTest, ChecksItsOptions) {
  EXPECT_THAT(CheckOptions({}), IsOk());
  for (const SimulateOptions& bad :
       {SimulateOptions{.participants = 0}, SimulateOptions{.hours = 0},
        SimulateOptions{.hours = std::nan("")}, SimulateOptions{.hours = 1e9},
        SimulateOptions{.start_wall_ns = -1}}) {
    EXPECT_THAT(CheckOptions(bad), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(WriteTruth(bad, "/dev/null"), StatusIs(absl::StatusCode::kInvalidArgument));
  }
  RememberingSink sink;
  EXPECT_THAT(SimulateStudy({.hours = 0})[0].play(sink),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(SimulateTest, SameOptionsGiveTheSameBytes) {
  const SimulateOptions options{.participants = 1, .hours = 0.2, .audio = true};
  Played first, second, other;
  Play(options, first);
  Play(options, second);
  EXPECT_EQ(first.watch.log, second.watch.log);
  EXPECT_EQ(first.phone.log, second.phone.log);
  EXPECT_EQ(first.truth, second.truth);
  SimulateOptions reseeded = options;
  reseeded.seed = 2;
  Play(reseeded, other);
  EXPECT_NE(first.watch.log, other.watch.log);
  EXPECT_NE(first.watch.boots[0].first, other.watch.boots[0].first);
}

TEST(SimulateTest, ParticipantsDiffer) {
  const auto recordings = SimulateStudy({.participants = 2, .hours = 0.05});
  RememberingSink first, second;
  ASSERT_THAT(recordings[0].play(first), IsOk());
  ASSERT_THAT(recordings[2].play(second), IsOk());
  EXPECT_NE(first.log, second.log);
  EXPECT_EQ(recordings[2].participant_code, "sim002");
}

TEST(SimulateTest, RunsFitIntoChunks) {
  Played played;
  Play({.participants = 1, .hours = 0.5, .audio = true}, played);
  EXPECT_EQ(played.watch.streams.size(), 7u);
  EXPECT_EQ(played.phone.streams.size(), 4u);
  for (const auto* sink : {&played.watch, &played.phone}) {
    for (const auto& stream : sink->streams) {
      EXPECT_GT(stream.samples(), 0u) << stream.name;
      for (const auto& run : stream.runs) {
        ASSERT_LE(run.stamps.size(), 65'536u);
        ASSERT_LE(run.values.size(), 1'000'000u);
        EXPECT_EQ(run.stamps.is_regular(), !stream.declaration.stamped());
      }
    }
  }
}

TEST(SimulateTest, CounterJumpsAreTheDeclaredLosses) {
  Played played;
  Play({.participants = 1, .hours = 6}, played);
  size_t losses = 0;
  for (size_t d = 0; d < 2; ++d) {
    const RememberingSink& sink = d == 0 ? played.watch : played.phone;
    for (const json& told : played.device(d)["streams"]) {
      const RememberedStream& stream = sink.stream(told["name"]);
      std::map<uint64_t, uint64_t> expected;
      uint64_t lost = 0;
      for (const json& fault : told["faults"]) {
        if (fault["kind"] != "lost") continue;
        lost += fault["count"].get<uint64_t>();
        // A loss up to the very end shows as no jump.
        if (fault["first_counter"].get<uint64_t>() + fault["count"].get<uint64_t>() <
            told["samples_taken"].get<uint64_t>()) {
          expected[fault["first_counter"]] = fault["count"];
        }
        ++losses;
      }
      EXPECT_EQ(Jumps(stream), expected) << stream.name;
      EXPECT_EQ(stream.samples() + lost, told["samples_taken"].get<uint64_t>()) << stream.name;
    }
  }
  EXPECT_GT(losses, 50u);
}

TEST(SimulateTest, StampsRepeatWhereDeclaredAndNeverFallBack) {
  Played played;
  Play({.participants = 1, .hours = 3}, played);
  const json& told = played.device(1)["streams"][0];
  std::set<uint64_t> expected;
  for (const json& fault : told["faults"]) {
    if (fault["kind"] != "repeated_stamp") continue;
    for (uint64_t i = 0; i < fault["count"].get<uint64_t>(); ++i) {
      expected.insert(fault["first_counter"].get<uint64_t>() + i);
    }
  }
  std::set<uint64_t> repeats;
  std::string boot;
  int64_t last = 0;
  for (const auto& run : played.phone.stream("acc").runs) {
    const std::vector<int64_t> stamps = run.stamps.ToVector();
    for (size_t i = 0; i < stamps.size(); ++i) {
      if (run.boot == boot) {
        ASSERT_GE(stamps[i], last);
        if (stamps[i] == last) repeats.insert(run.first_counter + i);
      }
      boot = run.boot;
      last = stamps[i];
    }
  }
  EXPECT_GT(expected.size(), 5u);
  EXPECT_EQ(repeats, expected);
}

TEST(SimulateTest, NanStandsWhereDeclared) {
  Played played;
  Play({.participants = 1, .hours = 3}, played);
  uint64_t expected = 0;
  for (const json& fault : played.device(1)["streams"][1]["faults"]) {
    if (fault["kind"] == "nan") expected += fault["count"].get<uint64_t>();
  }
  uint64_t found = 0;
  for (const float value : played.phone.stream("gyro").channel<float>(2))
    found += std::isnan(value);
  EXPECT_GT(expected, 0u);
  EXPECT_EQ(found, expected);
}

TEST(SimulateTest, WithoutFaultsNothingIsMissing) {
  Played played;
  Play({.participants = 1, .hours = 1, .faults = false, .clock_faults = false}, played);
  EXPECT_EQ(played.watch.boots.size(), 1u);
  EXPECT_TRUE(Jumps(played.watch.stream("acc")).empty());
  EXPECT_TRUE(played.device(0)["streams"][0]["faults"].empty());
  for (const auto& pair : played.watch.pairs) EXPECT_EQ(pair.sensor_ns(), pair.wall_ns());
}

// Long recordings are more than a test should keep.
class ClockSink : public RememberingSink {
 public:
  absl::Status Append(int, const ingest::SampleRun&) override { return absl::OkStatus(); }
};

TEST(SimulateTest, BootsAndClocksAreAsTold) {
  const SimulateOptions options{.participants = 1, .hours = 12};
  ClockSink watch;
  ASSERT_THAT(SimulateStudy(options)[0].play(watch), IsOk());
  const json truth = ReadTruth(options);
  const json& boots = truth["participants"][0]["devices"][0]["boots"];
  ASSERT_GT(boots.size(), 1u);
  ASSERT_EQ(watch.boots.size(), boots.size());
  std::set<std::pair<int64_t, int64_t>> readings;
  for (size_t i = 0; i < boots.size(); ++i) {
    EXPECT_EQ(watch.boots[i].first, boots[i]["boot_id"].get<std::string>());
    if (i > 0) {
      EXPECT_LT(watch.boots[i].second.monotonic_ns(), 60'000'000'000);
      EXPECT_GT(boots[i]["begin_ns"].get<int64_t>(), boots[i - 1]["end_ns"].get<int64_t>());
    }
    const auto wall_error = boots[i]["wall_error_ns"].get<int64_t>();
    for (const json& reading : boots[i]["clock"]) {
      readings.emplace(reading["device_ns"], reading["t_ns"].get<int64_t>() + wall_error);
    }
  }
  for (const auto& pair : watch.pairs) {
    EXPECT_TRUE(readings.contains({pair.monotonic_ns(), pair.wall_ns()}));
  }
}

TEST(SimulateTest, ProbesHoldTheTruth) {
  Played played;
  const SimulateOptions options{.participants = 1, .hours = 2};
  Play(options, played);
  const std::vector<Boot> boots = MakeBoots(options, 0, "watch");
  ASSERT_GT(played.watch.probes.size(), 100u);
  for (const auto& [boot_id, probe] : played.watch.probes) {
    const auto boot = std::find_if(boots.begin(), boots.end(), [&, id = boot_id](const Boot& b) {
      return b.id.ToString() == id;
    });
    ASSERT_NE(boot, boots.end());
    // 100 ppm over the boot bounds how far the clock may be from its beginning.
    const double up_ns = static_cast<double>(probe.t1_device_ns() - boot->monotonic_at_begin_ns);
    const double true_ns =
        static_cast<double>(probe.t2_server_ns() - options.start_wall_ns - boot->begin_ns);
    EXPECT_GT(true_ns - up_ns, -1e-4 * up_ns);
    EXPECT_GE(probe.t4_device_ns(), probe.t1_device_ns() + 40'000'000);
    EXPECT_EQ(probe.t3_server_ns() - probe.t2_server_ns(), 2'000'000);
  }
}

TEST(DeviceClockTest, RunsForwardWithinItsDrift) {
  const SimulateOptions options{.participants = 1, .hours = 6};
  const Boot boot = MakeBoots(options, 0, "watch")[0];
  DeviceClock clock(options, 0, "watch", boot, 0);
  int64_t last = clock.MonotonicNs(boot.begin_ns);
  EXPECT_EQ(last, boot.monotonic_at_begin_ns);
  constexpr int64_t kStepNs = 1'234'567'890;
  for (int64_t t_ns = boot.begin_ns + kStepNs; t_ns < boot.end_ns; t_ns += kStepNs) {
    const int64_t now = clock.MonotonicNs(t_ns);
    EXPECT_NEAR(static_cast<double>(now - last), static_cast<double>(kStepNs), 100e-6 * kStepNs);
    last = now;
  }
}

TEST(SimulateTest, RestingWatchReadsGravity) {
  const SimulateOptions options{
      .participants = 1, .hours = 1, .faults = false, .clock_faults = false};
  Played played;
  Play(options, played);
  const RememberedStream& acc = played.watch.stream("acc");
  const auto x = acc.channel<int16_t>(0), y = acc.channel<int16_t>(1), z = acc.channel<int16_t>(2);
  const std::vector<int64_t> stamps = acc.stamps();
  std::map<Activity, std::pair<double, size_t>> sums;
  std::map<Activity, double> squares;
  Schedule schedule(options, 0);
  for (size_t i = 0; i < stamps.size(); ++i) {
    const Activity activity = schedule.At(stamps[i] - options.start_wall_ns).activity;
    const double norm = kAccelerationScale * std::hypot(x[i], y[i], z[i]);
    sums[activity].first += norm;
    sums[activity].second += 1;
    squares[activity] += (norm - kGravity) * (norm - kGravity);
  }
  const auto mean = [&](Activity a) { return sums[a].first / static_cast<double>(sums[a].second); };
  const auto spread = [&](Activity a) {
    return std::sqrt(squares[a] / static_cast<double>(sums[a].second));
  };
  EXPECT_NEAR(mean(Activity::kSitting), kGravity, 0.03);
  EXPECT_LT(spread(Activity::kSitting), 0.4);
  // As the real watch: 2.1 around its mean while walking.
  EXPECT_GT(spread(Activity::kWalking), 1.4);
  EXPECT_LT(spread(Activity::kWalking), 3.2);
}

TEST(SimulateTest, EveryTapShakesTheWatch) {
  const SimulateOptions options{
      .participants = 1, .hours = 2, .faults = false, .clock_faults = false};
  Played played;
  Play(options, played);
  const RememberedStream& acc = played.watch.stream("acc");
  const auto z = acc.channel<int16_t>(2);
  const std::vector<int64_t> stamps = acc.stamps();
  const json& taps = played.truth["participants"][0]["taps"];
  EXPECT_GT(taps.size(), 20u);
  size_t seen = 0;
  for (const json& tap : taps) {
    const auto at = std::lower_bound(stamps.begin(), stamps.end(), tap["t_ns"].get<int64_t>());
    ASSERT_NE(at, stamps.end());
    const auto i = static_cast<size_t>(at - stamps.begin());
    const auto [low, high] = std::minmax_element(z.begin() + static_cast<ptrdiff_t>(i) - 3,
                                                 z.begin() + static_cast<ptrdiff_t>(i) + 5);
    seen += kAccelerationScale * (*high - *low) > 4;
  }
  // A contact between two samples may be missed by the sensor, as in life.
  EXPECT_GE(seen, taps.size() * 95 / 100);
}

TEST(SimulateTest, HeartRateFollowsActivity) {
  Played played;
  Play({.participants = 1, .hours = 2, .faults = false}, played);
  const auto rates = played.watch.stream("heart_rate").channel<float>(0);
  const auto [low, high] = std::minmax_element(rates.begin(), rates.end());
  EXPECT_GT(*low, 45);
  EXPECT_LT(*high, 140);
  EXPECT_GT(*high - *low, 20);
}

TEST(SimulateTest, ActivitiesCoverTheRecording) {
  const SimulateOptions options{.participants = 3, .hours = 2};
  const json truth = ReadTruth(options);
  ASSERT_EQ(truth["participants"].size(), 3u);
  for (const json& participant : truth["participants"]) {
    int64_t at = options.start_wall_ns;
    for (const json& activity : participant["activities"]) {
      EXPECT_EQ(activity["begin_ns"].get<int64_t>(), at);
      at = activity["end_ns"];
    }
    EXPECT_EQ(at, options.start_wall_ns + EndNs(options));
  }
}

TEST(SimulateTest, TruthThatCannotBeWrittenIsAnError) {
  EXPECT_THAT(WriteTruth({.hours = 0.1}, "/nowhere/at/all/truth.json"),
              StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace tidemark::cli
