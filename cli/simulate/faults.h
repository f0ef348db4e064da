// What goes wrong in a stream, planned by sample counter so that it can be told beforehand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/simulate/random.h"
#include "cli/simulate/simulate.h"

namespace tidemark::cli {

enum class FaultKind { kLost, kRepeatedStamp, kNotANumber };
std::string_view NameOf(FaultKind kind);

// Samples [first, first + count) of one boot of a stream.
struct Fault {
  FaultKind kind = FaultKind::kLost;
  uint64_t first = 0;
  uint64_t count = 0;
  uint64_t end() const { return first + count; }
};

struct FaultRates {
  double rate_hz = 100;     // of the stream
  bool may_repeat = false;  // streams with a stamp per sample
  bool may_be_nan = false;  // float streams
};

// Walks through the faults of one stream in one boot of `samples` samples, front to back; they
// never touch one another nor the first sample. Samples of kRepeatedStamp carry the stamp of the
// one before them.
class FaultPlan {
 public:
  // `name` is one of a kind within the participant: device, stream and boot.
  FaultPlan(const SimulateOptions& options, int participant, const std::string& name,
            const FaultRates& rates, uint64_t samples);

  // The fault after those that Next() passed; nothing when there are no more.
  const std::optional<Fault>& current() const { return current_; }
  void Next();

 private:
  Random random_;
  FaultRates rates_;
  uint64_t samples_;
  uint64_t planned_until_ = 0;
  std::optional<Fault> current_;
};

}  // namespace tidemark::cli
