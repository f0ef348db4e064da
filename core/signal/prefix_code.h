// Prefix codes of at most kCodeBits bits, read by one look into a table.
//
// Codes are canonical: symbols in order of length, then of value, take ascending codes; a code is
// written with its first bit in the lowest place, as everything in bits.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/endian.h"
#include "core/signal/bits.h"

namespace tidemark::signal {

inline constexpr int kCodeBits = 11;

// The lengths, at most `bits_max`, that code symbols of these frequencies in the fewest bits. A
// symbol that never occurs gets 0, and so does one that occurs alone.
std::vector<uint8_t> CodeLengths(std::span<const uint32_t> frequencies, int bits_max);

// The code of every symbol; false if the lengths are not those of a complete code.
[[nodiscard]] bool AssignCodes(std::span<const uint8_t> lengths, std::span<uint16_t> codes);

// ---- Levels: signed numbers around zero, small ones the likeliest -----------------------------

// A level q is coded by its magnitude, and with kSigned by a sign bit as well:
//   kZigZag  magnitudes 0, 1, 2, 3, ... are levels 0, -1, 1, -2, ...: for levels that are mostly
//   zero kSigned  magnitude q or, if q is negative, -1 - q; then the bit 1 if it is negative
// Larger magnitudes never have shorter codes, so that a code is told by a few bytes.
enum class LevelOrder { kZigZag, kSigned };
inline constexpr int kMagnitudes = 48;
// What takes the place of a level that has no code.
inline constexpr int8_t kEscapeLevel = 127;

// At most kMagnitudes: then there is no code.
constexpr int MagnitudeOf(LevelOrder order, int64_t level) {
  const auto distance = static_cast<uint64_t>(level < 0 ? -1 - level : level);
  if (distance >= kMagnitudes) return kMagnitudes;
  const auto magnitude =
      static_cast<int>(order == LevelOrder::kSigned ? distance : 2 * distance + (level < 0));
  return magnitude < kMagnitudes ? magnitude : kMagnitudes;
}

class LevelCode {
 public:
  using Frequencies = std::array<uint32_t, kMagnitudes + 1>;  // the last one is the escape
  static constexpr int kEscape = kMagnitudes;

  explicit LevelCode(LevelOrder order) : order_(order) {}
  // A code fit for the frequencies; those that are zero count as rare.
  static LevelCode Fit(LevelOrder order, const Frequencies& frequencies);
  void Append(std::string& to) const;
  // False on anything Append cannot have written.
  [[nodiscard]] bool Read(ByteReader& from);

  // Bits of a symbol (a magnitude or kEscape), the sign included. kNoCode if it has no code.
  static constexpr int kNoCode = 64;
  int bits(int symbol) const { return bits_[static_cast<size_t>(symbol)]; }
  // The level's magnitude, if that has a code; otherwise kEscape.
  int SymbolOf(int64_t level) const {
    const int magnitude = MagnitudeOf(order_, level);
    return bits(magnitude) == kNoCode ? kEscape : magnitude;
  }
  // `symbol` is that of the level.
  void Put(int symbol, int64_t level, BitWriter& to) const;

  // For a reader: entry i says what the next kCodeBits bits i begin with: bits (low byte) and level
  // (high byte).
  using Table = std::array<uint16_t, size_t{1} << kCodeBits>;
  Table MakeTable() const;

 private:
  [[nodiscard]] bool Assign();

  LevelOrder order_;
  std::array<uint8_t, kMagnitudes + 1> lengths_{};  // without the sign
  std::array<uint16_t, kMagnitudes + 1> codes_{};
  std::array<uint8_t, kMagnitudes + 1> bits_{};
};

// ---- Symbols: any numbers from zero to kSymbols - 1 ---------------------------------------------

class SymbolCode {
 public:
  static constexpr size_t kSymbols = 96;
  using Frequencies = std::array<uint32_t, kSymbols>;

  static SymbolCode Fit(const Frequencies& frequencies);
  void Append(std::string& to) const;
  [[nodiscard]] bool Read(ByteReader& from);

  int bits(size_t symbol) const { return lengths_[symbol]; }
  void Put(size_t symbol, BitWriter& to) const { to.Put(codes_[symbol], lengths_[symbol]); }

  // Entry i: bits (low byte) and symbol (high byte).
  using Table = std::array<uint16_t, size_t{1} << kCodeBits>;
  Table MakeTable() const;

 private:
  std::array<uint8_t, kSymbols> lengths_{};
  std::array<uint16_t, kSymbols> codes_{};
  size_t alone_ = 0;  // the symbol of a code that needs no bits
};

}  // namespace tidemark::signal
