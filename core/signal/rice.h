// Rice coding of unsigned integers: short codes for small numbers, one parameter per block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/signal/bits.h"

namespace tidemark::signal {

// Blocks of this many values share one parameter.
inline constexpr size_t kRiceBlockValues = 128;

// About how many bits RiceEncode spends on one block that is not empty, from a single pass.
template <class UInt>
uint64_t EstimateRiceBits(std::span<const UInt> block);

// Codes any number of values in blocks; uint32_t and uint64_t.
template <class UInt>
void RiceEncode(std::span<const UInt> values, BitWriter& to);
// The inverse; false if the bits end early or say what RiceEncode cannot have written.
template <class UInt>
[[nodiscard]] bool RiceDecode(BitReader& from, std::span<UInt> values);

}  // namespace tidemark::signal
