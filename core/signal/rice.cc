#include "core/signal/rice.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>

#include "core/signal/int128.h"

namespace tidemark::signal {
namespace {

constexpr int kParameterBits = 6;
// This many zeros stand for "too large for this block's parameter": a length and plain bits follow.
constexpr int kEscapeZeros = 20;
constexpr int kLengthBits = 6;

struct Choice {
  int parameter = 0;
  uint64_t bits = 0;
};

template <class UInt>
uint64_t BitsWith(std::span<const UInt> block, int parameter) {
  // Cannot overflow: at most kRiceBlockValues times a few dozen.
  UInt quotients = 0;
  for (const UInt value : block) {
    quotients += std::min<UInt>(static_cast<UInt>(value >> parameter), kEscapeZeros + kLengthBits);
  }
  return quotients + block.size() * static_cast<uint64_t>(parameter + 1);
}

// Wide enough for the sum of a block.
template <class UInt>
using SumOf = std::conditional_t<sizeof(UInt) == 4, uint64_t, UInt128>;

template <class UInt>
SumOf<UInt> Sum(std::span<const UInt> block) {
  SumOf<UInt> sum = 0;
  for (const UInt value : block) sum += value;
  return sum;
}

// The parameter near which the best one lies: the logarithm of the mean.
template <class UInt>
int LikelyParameter(SumOf<UInt> sum, size_t count) {
  return std::max(0, static_cast<int>(std::bit_width(static_cast<UInt>(sum / count))) - 1);
}

// The cost falls and then rises with the parameter: walks downhill from the likely one.
template <class UInt>
Choice Choose(std::span<const UInt> block) {
  constexpr int kParameterMax = std::numeric_limits<UInt>::digits - 1;
  const int start = LikelyParameter<UInt>(Sum(block), block.size());
  Choice best{start, BitsWith(block, start)};
  for (const int step : {1, -1}) {
    for (int next = start + step; next >= 0 && next <= kParameterMax; next += step) {
      const uint64_t bits = BitsWith(block, next);
      if (bits > best.bits) break;
      best = {next, bits};
    }
    // Downhill on one side is uphill on the other.
    if (best.parameter != start) break;
  }
  return best;
}

template <class UInt>
void EncodeValue(UInt value, int parameter, BitWriter& to) {
  const UInt quotient = static_cast<UInt>(value >> parameter);
  if (quotient < kEscapeZeros) {
    to.Put(uint64_t{1} << quotient, static_cast<int>(quotient) + 1);
    to.PutLong(value - (quotient << parameter), parameter);
    return;
  }
  const int length = static_cast<int>(std::bit_width(value));
  to.Put(0, kEscapeZeros);
  to.Put(static_cast<uint64_t>(length - 1), kLengthBits);
  to.PutLong(value, length);
}

template <class UInt>
UInt DecodeValue(BitReader& from, int parameter, bool& valid) {
  const int quotient = from.GetZeros(kEscapeZeros);
  if (quotient < kEscapeZeros) {
    const UInt rest = static_cast<UInt>(parameter <= 32 ? from.GetAfterZeros(parameter)
                                                        : from.GetLong(parameter));
    const UInt high = static_cast<UInt>(static_cast<UInt>(quotient) << parameter);
    valid &= static_cast<UInt>(high >> parameter) == static_cast<UInt>(quotient);
    return high | rest;
  }
  const int length = static_cast<int>(from.Get(kLengthBits)) + 1;
  valid &= length <= std::numeric_limits<UInt>::digits;
  return static_cast<UInt>(from.GetLong(length));
}

}  // namespace

template <class UInt>
uint64_t EstimateRiceBits(std::span<const UInt> block) {
  const SumOf<UInt> sum = Sum(block);
  const int parameter = LikelyParameter<UInt>(sum, block.size());
  return block.size() * static_cast<uint64_t>(parameter + 1) +
         static_cast<uint64_t>(sum >> parameter);
}

template <class UInt>
void RiceEncode(std::span<const UInt> values, BitWriter& to) {
  while (!values.empty()) {
    const auto block = values.first(std::min(values.size(), kRiceBlockValues));
    const int parameter = Choose(block).parameter;
    to.Put(static_cast<uint64_t>(parameter), kParameterBits);
    for (const UInt value : block) EncodeValue(value, parameter, to);
    values = values.subspan(block.size());
  }
}

template <class UInt>
bool RiceDecode(BitReader& from, std::span<UInt> values) {
  bool valid = true;
  while (!values.empty()) {
    const auto block = values.first(std::min(values.size(), kRiceBlockValues));
    const int parameter = static_cast<int>(from.Get(kParameterBits));
    if (parameter >= std::numeric_limits<UInt>::digits) return false;
    for (UInt& value : block) value = DecodeValue<UInt>(from, parameter, valid);
    if (!valid || !from.ok()) return false;
    values = values.subspan(block.size());
  }
  return true;
}

template uint64_t EstimateRiceBits(std::span<const uint32_t>);
template uint64_t EstimateRiceBits(std::span<const uint64_t>);
template void RiceEncode(std::span<const uint32_t>, BitWriter&);
template void RiceEncode(std::span<const uint64_t>, BitWriter&);
template bool RiceDecode(BitReader&, std::span<uint32_t>);
template bool RiceDecode(BitReader&, std::span<uint64_t>);

}  // namespace tidemark::signal
