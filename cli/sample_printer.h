// Samples as text: a table, CSV or JSON lines.
#pragma once

#include <cstdint>
#include <functional>
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
// placement, device time, and the physical value of every channel. What cannot be read has a line
// where it stands. CSV and JSON lines give every value in the shortest digits that read back to the
// same bits, a float32 as one, NaN and infinities by name; a table gives nine digits.
class SamplePrinter {
 public:
  using Note = std::function<void(std::string_view line)>;
  // Stops after `limit` samples; 0 for all. CSV has rows of samples only: what else there is to say
  // goes to `note`, if there is one.
  SamplePrinter(SampleFormat format, uint64_t limit, Note note = {})
      : format_(format), limit_(limit), note_(std::move(note)) {}

  // DATA_LOSS when an answer contradicts itself; OutputStatus() when stdout takes no more.
  absl::Status Add(const v1::ReadSamplesResponse& response);
  bool full() const { return limit_ > 0 && printed_ >= limit_; }
  uint64_t printed() const { return printed_; }

 private:
  absl::Status Print(const v1::ReadSamplesResponse& response);
  absl::Status AddBlock(const v1::SampleBlock& block);
  absl::Status AddSegment(const v1::SampleBlock& block);
  void AddUnreadable(const v1::UnreadableChunks& chunks);
  void PrintHeader();
  void PrintRow(int64_t device_ns, const v1::ClockPlacement* placement,
                const std::vector<std::string>& values, std::string_view note = "");
  void PrintJsonRow(int64_t device_ns, const std::string& time,
                    const std::vector<std::string>& values, std::string_view note);

  const SampleFormat format_;
  const uint64_t limit_;
  const Note note_;
  uint64_t printed_ = 0;
  v1::Stream stream_;
  std::map<std::pair<std::string, uint32_t>, v1::ClockPlacement> placements_;
};

// Study time of a device time.
int64_t PlaceOnStudyTime(const v1::ClockPlacement& placement, int64_t device_ns);

}  // namespace tidemark::cli
