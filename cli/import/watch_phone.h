// The watch-phone data set: one CSV per trial and device.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "cli/import/import.h"

namespace tidemark::cli {

// Labels that stand in the files: one per sample, equal neighbours being an interval.
struct LabelCount {
  uint64_t labels = 0;
  uint64_t intervals = 0;
};

// As ImportWatchPhone, but adds the labels to `count` instead of making a note of them.
absl::StatusOr<std::vector<ingest::Recording>> WatchPhoneRecordings(const std::string& person_dir,
                                                                    LabelCount& count);
// Of one label at least.
std::string WatchPhoneLabelNote(const LabelCount& count);

}  // namespace tidemark::cli
