// A run of samples of one stream: planar little-endian values and one device stamp per sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/signal/stamps.h"

namespace tidemark::signal {

// The numbers are stored and must not change.
enum class SampleType : uint8_t { kInt16 = 1, kInt32 = 2, kFloat32 = 3, kFloat64 = 4 };

constexpr size_t BytesOf(SampleType type) {
  switch (type) {
    case SampleType::kInt16:
      return 2;
    case SampleType::kInt32:
      return 4;
    case SampleType::kFloat32:
      return 4;
    case SampleType::kFloat64:
      return 8;
  }
  return 0;
}

// The bytes of one sample of all channels.
constexpr size_t BytesOf(std::span<const SampleType> channels) {
  size_t bytes = 0;
  for (const SampleType type : channels) bytes += BytesOf(type);
  return bytes;
}

// All values of channel 0, then all of channel 1, ...; no padding, so that a value may be
// misaligned: read it with LoadLe. NaN and infinities are data and keep every bit.
struct Block {
  Stamps stamps;
  std::string values;

  size_t count() const { return stamps.size(); }
};

// The bytes of channel `index` within a block of `count` samples.
inline std::string_view ChannelBytes(std::span<const SampleType> channels, size_t index,
                                     size_t count, std::string_view values) {
  const size_t begin = BytesOf(channels.first(index)) * count;
  return values.substr(begin, BytesOf(channels[index]) * count);
}

}  // namespace tidemark::signal
