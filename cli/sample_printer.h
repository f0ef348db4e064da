// Samples as text: a table, CSV or JSON lines.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tidemark/v1/signal.pb.h"
#include "tidemark/v1/stream.pb.h"

namespace tidemark::cli {

enum class SampleFormat { kTable, kCsv, kJsonLines };

// Prints blocks of one read as they come, one line per sample: study time where there is a
// placement, device time, and the physical value of every channel.
class SamplePrinter {
 public:
  // Stops after `limit` samples; 0 for all.
  SamplePrinter(SampleFormat format, uint64_t limit) : format_(format), limit_(limit) {}

  // DATA_LOSS when an answer contradicts itself.
  absl::Status Add(const v1::ReadSamplesResponse& response);
  bool full() const { return limit_ > 0 && printed_ >= limit_; }
  uint64_t printed() const { return printed_; }

 private:
  absl::Status AddBlock(const v1::SampleBlock& block);
  absl::Status AddSegment(const v1::SampleBlock& block);
  void PrintHeader();
  void PrintRow(int64_t device_ns, const v1::ClockPlacement* placement,
                const std::vector<double>& values, std::string_view note = "");

  const SampleFormat format_;
  const uint64_t limit_;
  uint64_t printed_ = 0;
  v1::Stream stream_;
  std::map<std::pair<std::string, uint32_t>, v1::ClockPlacement> placements_;
};

// Study time of a device time.
int64_t PlaceOnStudyTime(const v1::ClockPlacement& placement, int64_t device_ns);

}  // namespace tidemark::cli
