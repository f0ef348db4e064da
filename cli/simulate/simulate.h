// Simulated study data with known truth: a watch and a phone per participant.
//
// Everything follows from the options: the same options give the same bytes, on every machine with
// the same math library. A recording is made while it is played, minute by minute, in bounded
// memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ingest/client/recording.h"

namespace tidemark::cli {

inline constexpr double kNsPerS = 1e9;

struct SimulateOptions {
  int participants = 2;  // 1 to 10,000
  double hours = 1;      // of each participant, above 0, at most 24 * 366
  uint64_t seed = 1;
  // Bouts of 16 kHz audio on the phone.
  bool audio = false;
  // Dropped samples, repeated stamps and runs of NaN.
  bool faults = true;
  // Clocks with offset, drift, wander and reboots; otherwise device time is wall time.
  bool clock_faults = true;
  // Four-timestamp exchanges with the server, as the phone's and watch's links would measure them.
  bool probes = true;
  int64_t start_wall_ns = 1'767'258'000'000'000'000;  // 2026-01-01T09:00:00Z
};

// INVALID_ARGUMENT if an option is outside its range.
absl::Status CheckOptions(const SimulateOptions& options);

// Participants "sim001", ... each with the devices watch (acc, gyro, ppg, heart_rate, skin_temp,
// wear, battery) and phone (acc, gyro, battery and, if asked for, audio). Options that
// CheckOptions refuses give recordings whose play() returns that error.
std::vector<ingest::Recording> SimulateStudy(const SimulateOptions& options);

// Writes what is true as JSON (docs/simulate.md): activity intervals, taps, clocks, boots, gaps,
// repeated stamps and NaN runs.
absl::Status WriteTruth(const SimulateOptions& options, const std::string& path);

}  // namespace tidemark::cli
