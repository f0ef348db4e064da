// Group `storage`: bytes per sample of every modality.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ingest/client/recording.h"
#include "tests/bench/figure.h"

namespace tidemark::bench {

// What docs/BENCHMARKS.md says about the group.
std::string StorageMethod();

// Plays the recordings through the coders of admission and of the sealer, without a database: the
// live form of every chunk (signal::EncodeBlock) and its base tiles, and the dense form of the rows
// that the sealer would make of them (signal::EncodeBlocks), all per sample of all channels. Beside
// each stands what the device sent: values and, for stamped streams, 8 bytes of stamp. Also the
// speed of the dense form in both directions. INTERNAL if a row does not come back bit for bit.
absl::StatusOr<std::vector<Figure>> MeasureStorage(
    const std::vector<ingest::Recording>& recordings);

}  // namespace tidemark::bench
