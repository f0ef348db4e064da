// Between what makes recordings (importers, the simulator) and what takes them (outbox, verifier).
//
// A recording is what one device recorded, in the device's own stamps. A source plays it into a
// sink, always the same way: playing twice gives the same calls with the same bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/ids.h"
#include "core/signal/stamps.h"
#include "tidemark/v1/chunk.pb.h"
#include "tidemark/v1/stream.pb.h"

namespace tidemark::ingest {

// One chunk's worth of samples: the sink writes exactly one chunk per run, so that stamps arrive at
// the server exactly as the source made them.
struct SampleRun {
  uint64_t first_counter = 0;  // dropped samples are counted: a jump is a loss
  signal::Stamps stamps;
  std::string_view values;  // planar little-endian in declared channel order
  uint32_t clock_id = 0;
};

class RecordingSink {
 public:
  virtual ~RecordingSink() = default;

  // A handle for Append. Names are unique within a recording; the same name with another
  // declaration is a new version under the same handle. Every recording may use the stream of
  // modality RECORDS that the sink keeps by itself for boots and clock pairs.
  virtual absl::StatusOr<int> DeclareStream(const std::string& name,
                                            const v1::StreamDeclaration& declaration) = 0;
  // Later runs belong to this boot.
  virtual absl::Status BeginBoot(const BootId& boot, const v1::BootStart& start) = 0;
  virtual absl::Status AddClockPair(const v1::ClockPair& pair) = 0;
  virtual absl::Status AddProbe(const v1::Probe& probe) = 0;
  virtual absl::Status Append(int stream, const SampleRun& run) = 0;
  // For streams of encoded modality: one opaque segment.
  virtual absl::Status AppendEncoded(int stream, int64_t begin_device_ns, int64_t end_device_ns,
                                     uint32_t clock_id, std::string_view data) = 0;
};

struct Recording {
  std::string participant_code;
  std::string device_name;
  // What the source is, for people: "watch-phone CSV, 6 trials".
  std::string description;
  // INVALID_ARGUMENT names file, line and rule of what is wrong with the input.
  std::function<absl::Status(RecordingSink&)> play;
};

}  // namespace tidemark::ingest
