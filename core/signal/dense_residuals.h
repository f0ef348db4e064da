// Entropy coding of residuals: groups of neighbours share a class, which says how large they are.
//
// A group is kGroup residuals in order; the last one of a channel is filled up with zeros. Its
// class gives a shift k and one of kLevelCodes codes:
//   class 0      all zero; nothing more is stored
//   class 1-4    k = 0, codes 0-3
//   class 4 + k  k low bits stored plainly, code 3
// A residual r is the level floor(r / 2^k), coded by the prefix code, and its k low bits. A level
// without a code is an escape: the whole residual is stored apart. Codes 0-2 have their magnitudes
// in zigzag order, code 3 has a sign (prefix_code.h).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/endian.h"
#include "core/signal/prefix_code.h"

namespace tidemark::signal {

inline constexpr size_t kGroup = 16;
inline constexpr size_t kLevelCodes = 4;
constexpr LevelOrder OrderOfCode(size_t code) {
  return code + 1 < kLevelCodes ? LevelOrder::kZigZag : LevelOrder::kSigned;
}
// The class at which groups begin to have low bits.
inline constexpr int kShiftedClass = kLevelCodes;
template <class Int>
inline constexpr int kClassMax = kShiftedClass + std::numeric_limits<Int>::digits;

constexpr int ShiftOf(int group_class) {
  return group_class > kShiftedClass ? group_class - kShiftedClass : 0;
}
// Of a class that is not zero.
constexpr size_t CodeOf(int group_class) {
  return static_cast<size_t>(std::min(group_class, kShiftedClass) - 1);
}
constexpr size_t GroupCount(size_t count) { return (count + kGroup - 1) / kGroup; }

// The codes that all channels of a block share.
struct ResidualCodes {
  std::array<LevelCode, kLevelCodes> levels{LevelCode(OrderOfCode(0)), LevelCode(OrderOfCode(1)),
                                            LevelCode(OrderOfCode(2)), LevelCode(OrderOfCode(3))};
  std::array<bool, kLevelCodes> used{};
  SymbolCode steps{};  // zigzag of a group's class minus the class of the group before (at first 0)
};
//   u8      which level codes are used (bit i: code i), then those, then `steps`
void AppendCodes(const ResidualCodes& codes, std::string& to);
struct ResidualTables {
  std::array<LevelCode::Table, kLevelCodes> levels{};  // of a code that is not used: all zero
  SymbolCode::Table steps{};
};
[[nodiscard]] bool ReadTables(ByteReader& from, ResidualTables& tables);

// The residuals of one channel and the classes of their groups.
template <class Int>
struct Residuals {
  std::vector<Int> values;  // a whole number of groups
  std::vector<uint8_t> classes;
};

// Chooses classes and codes for several channels together.
class ResidualPlan {
 public:
  // Keeps the address of `channel` until Choose.
  void Add(Residuals<int16_t>& channel) { narrow_.push_back(&channel); }
  void Add(Residuals<int32_t>& channel) { wide_.push_back(&channel); }
  // Fills in the classes.
  ResidualCodes Choose();

 private:
  std::vector<Residuals<int16_t>*> narrow_;
  std::vector<Residuals<int32_t>*> wide_;
};

// A channel:
//   classes   a bit stream of `steps`
//   varint x kStreams  size of each level stream, then the streams: residual i of a group stands
//             in stream i % kStreams; groups of class 0 in none
//   low bits  per group with k > 0: kGroup x k bits, least significant first
//   escapes   the residuals that have no level, as Ints, in order
inline constexpr size_t kStreams = 4;
template <class Int>
void AppendResiduals(const Residuals<Int>& channel, const ResidualCodes& codes, std::string& to);

// Working space, worth keeping from one channel to the next.
struct ResidualSpace {
  std::vector<uint8_t> classes;
  std::string streams;
};
// The inverse: fills `residuals`, a whole number of groups. False on anything AppendResiduals
// cannot have written.
template <class Int>
[[nodiscard]] bool ReadResiduals(ByteReader& from, const ResidualTables& tables,
                                 std::span<Int> residuals, ResidualSpace& space);

}  // namespace tidemark::signal
