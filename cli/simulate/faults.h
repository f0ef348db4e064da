// What goes wrong in a stream, planned by sample counter so that it can be told beforehand.
#pragma once

#include <cstdint>
#include <string_view>

#include "cli/simulate/random.h"
#include "cli/simulate/simulate.h"

namespace tidemark::cli {

enum class FaultKind { kLost, kRepeatedStamp, kNotANumber };
std::string_view NameOf(FaultKind kind);

// Samples [first, first + count) of a stream, by the device's counter.
struct Fault {
  FaultKind kind = FaultKind::kLost;
  uint64_t first = 0;
  uint64_t count = 0;
  uint64_t end() const { return first + count; }
};

struct FaultRates {
  double rate_hz = 100;        // of the stream
  bool may_repeat = false;     // streams with a stamp per sample
  bool may_be_nan = false;     // float streams
};

// Walks through the faults of one stream, front to back; they never touch each other.
// kRepeatedStamp: the samples carry the stamp of the one before them.
class FaultPlan {
 public:
  FaultPlan(const SimulateOptions& options, int participant, std::string_view stream,
            const FaultRates& rates);

  // The fault that covers or follows what Next() passed; count 0 when there are no faults.
  const Fault& current() const { return current_; }
  void Next();

 private:
  Random random_;
  FaultRates rates_;
  bool enabled_;
  Fault current_;
};

}  // namespace tidemark::cli
