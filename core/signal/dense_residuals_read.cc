#include <algorithm>
#include <array>
#include <cstring>

#include "core/signal/bit_streams.h"
#include "core/signal/dense_residuals.h"
#include "core/signal/varint.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tidemark::signal {
namespace {

[[nodiscard]] bool ReadClasses(ByteReader& from, const SymbolCode::Table& steps, int class_max,
                               std::vector<uint8_t>& classes) {
  BitReader bits(from.rest());
  int before = 0;
  for (uint8_t& group_class : classes) {
    const uint16_t entry = steps[bits.Peek(kCodeBits)];
    bits.Drop(entry & 0xFF);
    before += static_cast<int>(UnZigZag(entry >> 8));
    if (before < 0 || before > class_max) return false;
    group_class = static_cast<uint8_t>(before);
  }
  from.ReadBytes(bits.Finish());
  return bits.ok();
}

// The levels of the next group; false when a stream has run out. Inlined, so that the streams stay
// in registers from group to group.
[[nodiscard, gnu::always_inline]] inline bool ReadLevels(const LevelCode::Table& table,
                                                         BitStreams& streams, int8_t* levels) {
  static_assert(kStreams == kBitStreams &&
                kGroup / kStreams * kCodeBits <= BitStreams::kRefilledBits);
  if (!streams.Refill()) return false;
  // The low bytes of the entries add up to the bits of the group, beside what the high ones do.
  std::array<uint32_t, kStreams> spent{};
#pragma GCC unroll 4
  for (size_t i = 0; i < kGroup / kStreams; ++i) {
#pragma GCC unroll 4
    for (size_t s = 0; s < kStreams; ++s) {
      const uint32_t entry = table[streams.Peek(s) & (table.size() - 1)];
      streams.Take(s, entry & 0xFF);
      spent[s] += entry;
      levels[i * kStreams + s] = static_cast<int8_t>(entry >> 8);
    }
  }
#pragma GCC unroll 4
  for (size_t s = 0; s < kStreams; ++s) streams.Spend(s, spent[s] & 0xFF);
  return true;
}

// The low bits of a group, `shift` > 0, from at least kLowReadBytes bytes.
constexpr size_t kLowReadBytes = 80;
template <class Int>
void AddLowBits(const char* from, int shift, Int* group) {
  const uint64_t mask = (uint64_t{1} << shift) - 1;
  for (size_t i = 0; i < kGroup; ++i) {
    const size_t bit = i * static_cast<size_t>(shift);
    const uint64_t low = LoadLe<uint64_t>(from + bit / 8) >> bit % 8 & mask;
    group[i] = static_cast<Int>(static_cast<uint64_t>(group[i]) << shift | low);
  }
}

#ifdef __SSE2__
// Spreads the low 4 x `shift` bits of each half over its four 16-bit elements.
__m128i Spread(__m128i packed, __m128i by, __m128i by_twice, __m128i halves, __m128i quarters) {
  // Two values to each 32 bits, then one to each 16.
  const __m128i low = _mm_and_si128(packed, halves);
  const __m128i high = _mm_srl_epi64(packed, by_twice);
  const __m128i two = _mm_or_si128(low, _mm_slli_epi64(_mm_and_si128(high, halves), 32));
  const __m128i first = _mm_and_si128(two, quarters);
  const __m128i second = _mm_and_si128(_mm_srl_epi64(two, by), quarters);
  return _mm_or_si128(first, _mm_slli_epi64(second, 16));
}

void AddLowBits(const char* from, int shift, int16_t* group) {
  const __m128i by = _mm_cvtsi32_si128(shift);
  const __m128i by_twice = _mm_cvtsi32_si128(2 * shift);
  const __m128i halves = _mm_set1_epi64x((int64_t{1} << 2 * shift) - 1);
  const __m128i quarters = _mm_set1_epi32((1 << shift) - 1);
  for (size_t i = 0; i < kGroup; i += 8) {
    // Four values may begin in the middle of a byte.
    const size_t bit = (i + 4) * static_cast<size_t>(shift);
    const __m128i packed =
        _mm_set_epi64x(static_cast<int64_t>(LoadLe<uint64_t>(from + bit / 8) >> bit % 8),
                       LoadLe<int64_t>(from + i * static_cast<size_t>(shift) / 8));
    auto* to = reinterpret_cast<__m128i*>(group + i);
    const __m128i levels = _mm_sll_epi16(_mm_loadu_si128(to), by);
    _mm_storeu_si128(to, _mm_or_si128(levels, Spread(packed, by, by_twice, halves, quarters)));
  }
}
#endif

// What follows the level streams.
template <class Int>
class LowReader {
 public:
  explicit LowReader(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool Add(int shift, Int* group) {
    const size_t size = kGroup / 8 * static_cast<size_t>(shift);
    if (bytes_.size() - used_ < size) return false;
    const char* from = bytes_.data() + used_;
    std::array<char, kLowReadBytes> padded{};
    if (bytes_.size() - used_ < kLowReadBytes) {
      std::memcpy(padded.data(), from, size);
      from = padded.data();
    }
    AddLowBits(from, shift, group);
    used_ += size;
    return true;
  }
  size_t used() const { return used_; }

 private:
  std::string_view bytes_;
  size_t used_ = 0;
};

// Where residuals escaped: their indices.
void NoteEscapes(const std::array<int8_t, kGroup>& levels, size_t begin,
                 std::vector<size_t>& escapes) {
  for (size_t i = 0; i < kGroup; ++i) {
    if (levels[i] == kEscapeLevel) escapes.push_back(begin + i);
  }
}
bool HasEscape(const std::array<int8_t, kGroup>& levels) {
  int8_t any = 0;
  for (size_t i = 0; i < kGroup; ++i) {
    any = static_cast<int8_t>(any | (levels[i] == kEscapeLevel));
  }
  return any != 0;
}

}  // namespace

bool ReadTables(ByteReader& from, ResidualTables& tables) {
  const uint8_t used = from.Read<uint8_t>();
  if (used >= 1 << kLevelCodes) return false;
  for (size_t i = 0; i < kLevelCodes; ++i) {
    LevelCode code(OrderOfCode(i));
    if (!(used & 1 << i)) continue;
    if (!code.Read(from)) return false;
    tables.levels[i] = code.MakeTable();
  }
  SymbolCode steps;
  if (!steps.Read(from)) return false;
  tables.steps = steps.MakeTable();
  return true;
}

template <class Int>
bool ReadResiduals(ByteReader& from, const ResidualTables& tables, std::span<Int> residuals,
                   ResidualSpace& space) {
  space.classes.resize(residuals.size() / kGroup);
  if (!ReadClasses(from, tables.steps, kClassMax<Int>, space.classes)) return false;
  BitStreams streams;
  if (!streams.Start(from, space.streams)) return false;
  LowReader<Int> low(from.rest());
  std::vector<size_t> escapes;
  Int* group = residuals.data();
  for (const uint8_t group_class : space.classes) {
    if (group_class == 0) {
      std::fill_n(group, kGroup, Int{0});
      group += kGroup;
      continue;
    }
    std::array<int8_t, kGroup> level;
    if (!ReadLevels(tables.levels[CodeOf(group_class)], streams, level.data())) return false;
    for (size_t i = 0; i < kGroup; ++i) group[i] = level[i];
    if (HasEscape(level)) {
      NoteEscapes(level, static_cast<size_t>(group - residuals.data()), escapes);
    }
    const int shift = ShiftOf(group_class);
    if (shift > 0 && !low.Add(shift, group)) return false;
    group += kGroup;
  }
  from.ReadBytes(low.used());
  for (const size_t at : escapes) residuals[at] = from.Read<Int>();
  return from.ok() && streams.Finish();
}

template bool ReadResiduals(ByteReader&, const ResidualTables&, std::span<int16_t>, ResidualSpace&);
template bool ReadResiduals(ByteReader&, const ResidualTables&, std::span<int32_t>, ResidualSpace&);

}  // namespace tidemark::signal
