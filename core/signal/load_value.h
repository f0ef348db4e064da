// One value of a block as a number to compute with or to show.
#pragma once

#include <cstdint>
#include <limits>

#include "base/endian.h"
#include "core/signal/samples.h"

namespace tidemark::signal {

// The value at `from`, which may be misaligned; NaN for a type that is none.
inline double LoadValue(SampleType type, const char* from) {
  switch (type) {
    case SampleType::kInt16:
      return LoadLe<int16_t>(from);
    case SampleType::kInt32:
      return LoadLe<int32_t>(from);
    case SampleType::kFloat32:
      return static_cast<double>(LoadLe<float>(from));
    case SampleType::kFloat64:
      return LoadLe<double>(from);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace tidemark::signal
