#include "core/signal/bitpack.h"

#include <array>
#include <cstring>
#include <utility>

namespace tidemark::signal {
namespace {

using Lanes = uint32_t __attribute__((vector_size(16)));
constexpr int kRows = kPackedValues / 4;

Lanes LoadRow(const char* from) {
  Lanes row;
  std::memcpy(&row, from, sizeof row);
  return row;
}

// All loops have constant bounds and are unrolled, so every shift below is a constant.
template <int kWidth>
void PackWidth(const uint32_t* values, char* to) {
  if constexpr (kWidth > 0) {
    Lanes word{};
#pragma GCC unroll 32
    for (int row = 0; row < kRows; ++row) {
      const int bit = row * kWidth % 32;
      const Lanes value = LoadRow(reinterpret_cast<const char*>(values + 4 * row));
      word = bit == 0 ? value : word | value << bit;
      if (bit + kWidth < 32) continue;
      std::memcpy(to, &word, sizeof word);
      to += sizeof word;
      if (bit + kWidth > 32) word = value >> (32 - bit);
    }
  }
}

template <int kWidth>
void UnpackWidth(const char* from, uint32_t* values) {
  if constexpr (kWidth == 0) {
    std::memset(values, 0, kPackedValues * sizeof *values);
  } else {
    constexpr uint32_t kMask = kWidth == 32 ? ~0u : (1u << kWidth) - 1;
    Lanes word = LoadRow(from);
#pragma GCC unroll 32
    for (int row = 0; row < kRows; ++row) {
      const int bit = row * kWidth % 32;
      Lanes value = word >> bit;
      if (bit + kWidth >= 32 && row + 1 < kRows) {
        from += sizeof word;
        word = LoadRow(from);
        if (bit + kWidth > 32) value |= word << (32 - bit);
      }
      value &= kMask;
      std::memcpy(values + 4 * row, &value, sizeof value);
    }
  }
}

using PackFunction = void (*)(const uint32_t*, char*);
using UnpackFunction = void (*)(const char*, uint32_t*);

template <int... kWidths>
constexpr std::array<PackFunction, sizeof...(kWidths)> PackTable(
    std::integer_sequence<int, kWidths...>) {
  return {PackWidth<kWidths>...};
}
template <int... kWidths>
constexpr std::array<UnpackFunction, sizeof...(kWidths)> UnpackTable(
    std::integer_sequence<int, kWidths...>) {
  return {UnpackWidth<kWidths>...};
}

constexpr auto kPack = PackTable(std::make_integer_sequence<int, 33>());
constexpr auto kUnpack = UnpackTable(std::make_integer_sequence<int, 33>());

}  // namespace

void Pack(const uint32_t* values, int width, char* to) {
  kPack[static_cast<size_t>(width)](values, to);
}

void Unpack(const char* from, int width, uint32_t* values) {
  kUnpack[static_cast<size_t>(width)](from, values);
}

}  // namespace tidemark::signal
