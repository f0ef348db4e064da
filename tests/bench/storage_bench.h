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

// Plays the recordings through the coders that admission uses, without a database: values and
// stamps (signal::EncodeBlock, live), base tiles, and both per sample of all channels. Beside each
// stands what the device sent: values and, for stamped streams, 8 bytes of stamp. Also written:
// the same with the dense coder of the sealer.
absl::StatusOr<std::vector<Figure>> MeasureStorage(
    const std::vector<ingest::Recording>& recordings);

}  // namespace tidemark::bench
