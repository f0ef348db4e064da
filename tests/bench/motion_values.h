// The values that a bench uploads: long runs of three axes of int16.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/bench/motion_stream.h"

namespace tidemark::bench {

// Immutable, so one serves any number of streams.
class MotionValues {
 public:
  // Real: what watches recorded, one sensor behind the other, as the int16 that their floats stand
  // for. `data` is laid out like the shared data; without such recordings, a walk of small steps.
  static absl::StatusOr<MotionValues> Load(const std::string& data);
  // Values that no coder makes smaller.
  static MotionValues Noise();

  // Appends `count` values of a channel; the run begins anew where it ends. Channels beyond the
  // third are the same axes at another time.
  void Append(std::string& to, size_t channel, uint64_t begin, size_t count) const;
  // "real watch motion, 263,000 samples"
  const std::string& what() const { return what_; }

 private:
  using Axes = std::array<std::vector<int16_t>, kMotionChannels>;
  MotionValues(Axes axes, std::string_view source);
  static MotionValues Walk();

  Axes axes_;
  std::string what_;
};

}  // namespace tidemark::bench
