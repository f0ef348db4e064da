// Boots that evidence has cut into epochs (DESIGN "Time").
#pragma once

#include "absl/status/status.h"
#include "store/chunk_scan.h"

namespace tidemark::store {

// A placement is a line for a whole boot and clock. Where a reset was found within a boot, no such
// line is right: the boot then has no placement, and a read by study time that might miss its
// chunks is refused rather than answered in part. Clock models of epochs end this refusal.
//   FAILED_PRECONDITION  the target's stream has chunks of a boot that is cut
absl::Status RefuseCutBoots(const ChunkScan::Target& target, DeviceId device);

}  // namespace tidemark::store
