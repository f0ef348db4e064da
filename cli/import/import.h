// Importers: recordings of other people's devices, as recordings of ours.
//
// Every importer keeps the device's own stamps and values bit for bit and states frame, sign and
// unit in its declarations. What a file says about wall time is all the clock there is, so the
// device clock of an import is the wall clock: one boot, and a clock pair that says so. Playing
// twice gives the same calls with the same bytes; boots are named by the content of the files.
//
// Labels, tags and clip names that stand in the files are not taken: they are counted, and `notes`
// says so.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ingest/client/recording.h"

namespace tidemark::cli {

struct Imported {
  std::vector<ingest::Recording> recordings;
  // Sentences for people: what was found and not taken, and what is odd.
  std::vector<std::string> notes;
};

// A folder laid out like the shared development data: any of the sub-folders watch-phone-tug,
// empatica-e4, audio-events and spoken-digits. One participant per person, and one, "audio", whose
// devices phone and recorder heard the clips of the last two. NOT_FOUND if none of them is there.
absl::StatusOr<Imported> DiscoverSharedData(const std::string& dir);

// `person_dir` holds sNN_EE_sw.csv and sNN_EE_sp.csv, one pair per trial. The participant sNN with
// the devices watch and phone, each with acc and gyro; a chunk per trial and stream, repeated
// stamps kept. INVALID_ARGUMENT names file, line, column and rule.
absl::StatusOr<Imported> ImportWatchPhone(const std::string& person_dir);

// An export folder of an Empatica E4 (ACC, BVP, EDA, HR, IBI, TEMP; those that are there). The
// participant is named after the folder.
absl::StatusOr<Imported> ImportE4(const std::string& folder);

// RIFF files of 16-bit PCM. The first begins at `start_ns`, and each next one at the first whole
// second that is at least `gap_s` after the end of the one before, so that one recording has clips
// at known times. Between them there is nothing: stamps and counters jump, and every sample stands
// in a file.
struct WavOptions {
  std::string participant_code = "audio";
  std::string device_name = "phone";
  std::string stream_name = "audio";
  int64_t start_ns = 1'640'995'200'000'000'000;  // 2022-01-01T00:00:00Z: WAV files hold no time
  int64_t gap_s = 1;
};
// All files have the same rate and channels. INVALID_ARGUMENT names file and rule.
absl::StatusOr<Imported> ImportWav(const std::vector<std::string>& files,
                                   const WavOptions& options);

// Any table with a time column: docs/import.md describes the mapping file (JSON). Opening checks
// mapping and header; cells are checked while playing.
absl::StatusOr<Imported> ImportCsv(const std::string& csv_file, const std::string& mapping_file);

}  // namespace tidemark::cli
