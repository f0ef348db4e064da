// Stamps of b blocks are
//   varint  b
//   u8      form
//   apart:    the blocks as EncodeStamps writes each (some are empty, or forms are mixed)
//   regular:  per block: varint count; varint zigzag first - (last + step of the block before);
//             varint zigzag span - (count - 1) * step of the block before. Span is last - first;
//             a step is span / (count - 1), towards zero, or that of the block before if count is
//             1; everything is 0 before the first block. Modulo 2^64.
//   exact:    per block varint count; then all stamps as one run of n:
//             u8      e: stamps are phase + 10^e * tick, 0 <= phase < 10^e
//             varint  phase, varint zigzag first tick, varint zigzag typical step
//             with n > 1: the n - 1 rests, a rest being step - typical step modulo 2^64:
//             u8 shift k, u8 near, u8 far
//             symbol codes (prefix_code.h) of the kContexts contexts
//             varint x kStampLanes sizes of the lanes, then the lanes
//             low k bits of each rest that did not escape, as a bit stream
//             varint zigzag of each rest that escaped
//
// A rest's level is floor(rest / 2^k), its symbol 1 + zigzag(level), or 0 if it escaped. The code
// is that of the context, which follows from the level before: at most -far, at most -near,
// between, at least near, at least far. It is "between" where a lane begins and behind an escape.
// Lane l holds the symbols [l * m, (l + 1) * m), m being a kStampLanes-th of them, rounded up.
#include "core/signal/dense_stamps.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "core/signal/bit_streams.h"
#include "core/signal/prefix_code.h"
#include "core/signal/stamp_ticks.h"
#include "core/signal/varint.h"

namespace tidemark::signal {
namespace {

enum class DenseForm : uint8_t { kApart = 0, kRegular = 1, kExact = 2 };  // stored

constexpr size_t kStampLanes = 4;
constexpr size_t kContexts = 5;
constexpr size_t kBetween = 2;
constexpr size_t kEscapeSymbol = 0;
constexpr int kRestShiftMax = 32;
constexpr int8_t kLevelMax = (SymbolCode::kSymbols - 2) / 2;
constexpr int8_t kEscaped = std::numeric_limits<int8_t>::max();
// So small a share of the rests may escape to keep the codes short.
constexpr size_t kEscapeShare = 512;

DenseForm FormOf(std::span<const Stamps* const> blocks) {
  const auto is = [&blocks](auto holds) {
    return std::all_of(blocks.begin(), blocks.end(),
                       [&](const Stamps* stamps) { return stamps->size() > 0 && holds(*stamps); });
  };
  if (is([](const Stamps& stamps) { return stamps.is_regular(); })) return DenseForm::kRegular;
  if (is([](const Stamps& stamps) { return !stamps.is_regular(); })) return DenseForm::kExact;
  return DenseForm::kApart;
}

// ---- Regular blocks -----------------------------------------------------------------------------

// What is expected of the next regular block. All modulo 2^64.
struct Expected {
  uint64_t first = 0;
  uint64_t step = 0;

  uint64_t Span(size_t count) const { return step * (count - 1); }
  void Advance(uint64_t actual_first, uint64_t span, size_t count) {
    if (count > 1) {
      const int64_t steps = static_cast<int64_t>(count - 1);
      step = static_cast<uint64_t>(static_cast<int64_t>(span) / steps);
    }
    first = actual_first + span + step;
  }
};

void AppendSigned(uint64_t value, std::string& to) {
  AppendVarint(to, ZigZag(static_cast<int64_t>(value)));
}

void AppendRegular(std::span<const Stamps* const> blocks, std::string& to) {
  Expected expected;
  for (const Stamps* stamps : blocks) {
    const auto first = static_cast<uint64_t>(stamps->first_ns());
    const uint64_t span = static_cast<uint64_t>(stamps->last_ns()) - first;
    AppendVarint(to, stamps->size());
    AppendSigned(first - expected.first, to);
    AppendSigned(span - expected.Span(stamps->size()), to);
    expected.Advance(first, span, stamps->size());
  }
}

[[nodiscard]] bool ReadRegular(ByteReader& from, size_t count_max, std::vector<Stamps>& blocks) {
  Expected expected;
  for (Stamps& block : blocks) {
    const auto count = ReadVarint(from, count_max);
    const auto first_rest = ReadVarint(from);
    const auto span_rest = ReadVarint(from);
    if (!count || *count == 0 || !first_rest || !span_rest) return false;
    count_max -= *count;
    const uint64_t first = expected.first + static_cast<uint64_t>(UnZigZag(*first_rest));
    const uint64_t span = expected.Span(*count) + static_cast<uint64_t>(UnZigZag(*span_rest));
    expected.Advance(first, span, *count);
    auto stamps =
        Stamps::Regular(static_cast<int64_t>(first), static_cast<int64_t>(first + span), *count);
    if (!stamps.ok()) return false;
    block = *std::move(stamps);
  }
  return true;
}

// ---- Exact blocks: writing ----------------------------------------------------------------------

// How rests become symbols.
struct RestCoding {
  int shift = 0;
  int near = 1;
  int far = 2;

  size_t ContextAfter(int level) const {
    if (level == kEscaped) return kBetween;
    return kBetween + (level >= near) + (level >= far) - (level <= -near) - (level <= -far);
  }
};

constexpr size_t LaneSymbols(size_t count) { return (count + kStampLanes - 1) / kStampLanes; }

using Levels = std::vector<int8_t>;

// kEscaped for levels beyond `level_max`.
Levels LevelsOf(std::span<const int64_t> rests, int shift, int64_t level_max) {
  Levels levels(rests.size());
  for (size_t i = 0; i < rests.size(); ++i) {
    const int64_t level = rests[i] >> shift;
    const bool fits = level >= -level_max && level <= level_max;
    levels[i] = fits ? static_cast<int8_t>(level) : kEscaped;
  }
  return levels;
}

size_t SymbolOf(int8_t level) {
  return level == kEscaped ? kEscapeSymbol : 1 + static_cast<size_t>(ZigZag(level));
}

// Calls visit(lane, context, level) for every level in order.
template <class Visit>
void ForEachLevel(const Levels& levels, const RestCoding& coding, Visit visit) {
  const size_t lane_symbols = LaneSymbols(levels.size());
  size_t context = kBetween;
  for (size_t i = 0; i < levels.size(); ++i) {
    if (i % lane_symbols == 0) context = kBetween;
    visit(i / lane_symbols, context, levels[i]);
    context = coding.ContextAfter(levels[i]);
  }
}

using ContextFrequencies = std::array<SymbolCode::Frequencies, kContexts>;

ContextFrequencies Frequencies(const Levels& levels, const RestCoding& coding) {
  ContextFrequencies frequencies{};
  ForEachLevel(levels, coding, [&frequencies](size_t, size_t context, int8_t level) {
    ++frequencies[context][SymbolOf(level)];
  });
  return frequencies;
}

double EntropyBits(const ContextFrequencies& frequencies) {
  double bits = 0;
  for (const SymbolCode::Frequencies& context : frequencies) {
    double all = 0;
    for (const uint32_t n : context) all += n;
    for (const uint32_t n : context) {
      if (n > 0) bits += n * std::log2(all / n);
    }
  }
  return bits;
}

// The shift at which the typical rest is a few levels.
int ShiftOver(std::span<const int64_t> rests) {
  std::vector<uint64_t> sizes(rests.size());
  std::transform(rests.begin(), rests.end(), sizes.begin(),
                 [](int64_t rest) { return ZigZag(rest); });
  const auto middle = sizes.begin() + static_cast<ptrdiff_t>(sizes.size() / 2);
  std::nth_element(sizes.begin(), middle, sizes.end());
  constexpr int kTypicalLevelBits = 4;
  return std::clamp(static_cast<int>(std::bit_width(*middle)) - kTypicalLevelBits, 0,
                    kRestShiftMax);
}

// The largest level that is coded: beyond it lie a few strays.
int64_t LevelMaxOver(const Levels& levels) {
  std::array<size_t, kLevelMax + 1> counts{};
  for (const int8_t level : levels) {
    if (level != kEscaped) ++counts[static_cast<size_t>(level < 0 ? -level : level)];
  }
  size_t beyond = 0;
  int64_t level_max = kLevelMax;
  while (level_max > 0 &&
         (beyond += counts[static_cast<size_t>(level_max)]) <= levels.size() / kEscapeShare) {
    --level_max;
  }
  return level_max;
}

RestCoding CodingFor(const Levels& levels, int shift) {
  constexpr std::array<std::array<int, 2>, 5> kBounds{{{1, 2}, {1, 3}, {2, 5}, {3, 8}, {6, 14}}};
  RestCoding best;
  double best_bits = std::numeric_limits<double>::infinity();
  for (const auto& [near, far] : kBounds) {
    const RestCoding coding{shift, near, far};
    const double bits = EntropyBits(Frequencies(levels, coding));
    if (bits >= best_bits) continue;
    best_bits = bits;
    best = coding;
  }
  return best;
}

void AppendLanes(const Levels& levels, const RestCoding& coding,
                 const std::array<SymbolCode, kContexts>& codes, std::string& to) {
  std::array<std::string, kStampLanes> lanes;
  std::array<BitWriter, kStampLanes> writers{BitWriter(lanes[0]), BitWriter(lanes[1]),
                                             BitWriter(lanes[2]), BitWriter(lanes[3])};
  ForEachLevel(levels, coding, [&](size_t lane, size_t context, int8_t level) {
    codes[context].Put(SymbolOf(level), writers[lane]);
  });
  for (BitWriter& writer : writers) writer.Finish();
  for (const std::string& lane : lanes) AppendVarint(to, lane.size());
  for (const std::string& lane : lanes) to += lane;
}

void AppendRests(std::span<const int64_t> rests, std::string& to) {
  const int shift = ShiftOver(rests);
  Levels levels = LevelsOf(rests, shift, kLevelMax);
  levels = LevelsOf(rests, shift, LevelMaxOver(levels));
  const RestCoding coding = CodingFor(levels, shift);
  to.push_back(static_cast<char>(coding.shift));
  to.push_back(static_cast<char>(coding.near));
  to.push_back(static_cast<char>(coding.far));
  std::array<SymbolCode, kContexts> codes;
  const ContextFrequencies frequencies = Frequencies(levels, coding);
  for (size_t c = 0; c < kContexts; ++c) {
    codes[c] = SymbolCode::Fit(frequencies[c]);
    codes[c].Append(to);
  }
  AppendLanes(levels, coding, codes, to);
  BitWriter low(to);
  const uint64_t mask = (uint64_t{1} << shift) - 1;
  for (size_t i = 0; i < rests.size(); ++i) {
    if (levels[i] != kEscaped) low.Put(static_cast<uint64_t>(rests[i]) & mask, shift);
  }
  low.Finish();
  for (size_t i = 0; i < rests.size(); ++i) {
    if (levels[i] == kEscaped) AppendVarint(to, ZigZag(rests[i]));
  }
}

void AppendExact(std::span<const Stamps* const> blocks, std::string& to) {
  std::vector<int64_t> all;
  for (const Stamps* stamps : blocks) {
    AppendVarint(to, stamps->size());
    all.insert(all.end(), stamps->exact().begin(), stamps->exact().end());
  }
  const TickScale scale = TickScaleOf(all);
  for (int64_t& stamp : all) stamp = scale.TickOf(stamp);
  const std::span<const int64_t> ticks = all;
  to.push_back(static_cast<char>(scale.exponent));
  AppendVarint(to, static_cast<uint64_t>(scale.phase_ns));
  AppendVarint(to, ZigZag(ticks.front()));
  const int64_t typical = MedianStep(ticks);
  AppendVarint(to, ZigZag(typical));
  if (ticks.size() == 1) return;
  std::vector<int64_t> rests(ticks.size() - 1);
  for (size_t i = 0; i < rests.size(); ++i) {
    const uint64_t step = static_cast<uint64_t>(ticks[i + 1]) - static_cast<uint64_t>(ticks[i]);
    rests[i] = static_cast<int64_t>(step - static_cast<uint64_t>(typical));
  }
  AppendRests(rests, to);
}

// ---- Exact blocks: reading ----------------------------------------------------------------------

// Entry i of the table of a context says what the next kCodeBits bits i begin with: how many bits
// (bits 0-3), the context after it (4-6), the level (8-15).
using ContextTables = std::array<SymbolCode::Table, kContexts>;

uint16_t ContextEntry(uint16_t symbol_entry, const RestCoding& coding) {
  const size_t symbol = symbol_entry >> 8;
  const int8_t level =
      symbol == kEscapeSymbol ? kEscaped : static_cast<int8_t>(UnZigZag(symbol - 1));
  return static_cast<uint16_t>((symbol_entry & 0xF) | coding.ContextAfter(level) << 4 |
                               static_cast<size_t>(static_cast<uint8_t>(level)) << 8);
}

[[nodiscard]] bool ReadContextTables(ByteReader& from, const RestCoding& coding,
                                     ContextTables& tables) {
  for (SymbolCode::Table& table : tables) {
    SymbolCode code;
    if (!code.Read(from)) return false;
    table = code.MakeTable();
    for (uint16_t& entry : table) entry = ContextEntry(entry, coding);
  }
  return true;
}

// `kSteps` levels of every lane into levels[lane][0, kSteps); false when a lane has run out.
// Inlined, so that the lanes stay in registers from step to step.
template <size_t kSteps>
[[nodiscard, gnu::always_inline]] inline bool ReadSteps(
    const ContextTables& tables, BitStreams& lanes, std::array<size_t, kStampLanes>& contexts,
    std::array<std::array<int8_t, kSteps>, kStampLanes>& levels) {
  static_assert(kStampLanes == kBitStreams && kSteps * kCodeBits <= BitStreams::kRefilledBits);
  if (!lanes.Refill()) return false;
  std::array<uint32_t, kStampLanes> spent{};
#pragma GCC unroll 4
  for (size_t t = 0; t < kSteps; ++t) {
#pragma GCC unroll 4
    for (size_t l = 0; l < kStampLanes; ++l) {
      const SymbolCode::Table& table = tables[contexts[l]];
      const uint32_t entry = table[lanes.Peek(l) & (table.size() - 1)];
      lanes.Take(l, entry & 0xF);
      spent[l] += entry & 0xF;
      contexts[l] = entry >> 4 & 7;
      levels[l][t] = static_cast<int8_t>(entry >> 8);
    }
  }
#pragma GCC unroll 4
  for (size_t l = 0; l < kStampLanes; ++l) lanes.Spend(l, spent[l]);
  return true;
}

[[nodiscard]] bool ReadLanes(ByteReader& from, const ContextTables& tables, Levels& levels) {
  BitStreams lanes;
  std::string padded;
  if (!lanes.Start(from, padded)) return false;
  const size_t lane_symbols = LaneSymbols(levels.size());
  const size_t whole = (kStampLanes - 1) * lane_symbols;
  const size_t shortest = levels.size() > whole ? levels.size() - whole : 0;
  std::array<size_t, kStampLanes> contexts;
  contexts.fill(kBetween);
  constexpr size_t kSteps = 4;
  std::array<std::array<int8_t, kSteps>, kStampLanes> steps;
  size_t t = 0;
  for (; t + kSteps <= shortest; t += kSteps) {
    if (!ReadSteps(tables, lanes, contexts, steps)) return false;
    for (size_t l = 0; l < kStampLanes; ++l) {
      std::memcpy(levels.data() + l * lane_symbols + t, steps[l].data(), kSteps);
    }
  }
  // The last few, lane by lane: some lanes are shorter than others.
  for (size_t l = 0; l < kStampLanes; ++l) {
    const size_t end = std::min(levels.size(), (l + 1) * lane_symbols);
    for (size_t i = l * lane_symbols + t; i < end; ++i) {
      if (!lanes.Refill()) return false;
      const uint32_t entry = tables[contexts[l]][lanes.Peek(l) & ((1 << kCodeBits) - 1)];
      lanes.Take(l, entry & 0xF);
      lanes.Spend(l, entry & 0xF);
      contexts[l] = entry >> 4 & 7;
      levels[i] = static_cast<int8_t>(entry >> 8);
    }
  }
  return lanes.Finish();
}

[[nodiscard]] bool ReadRests(ByteReader& from, std::span<int64_t> rests) {
  RestCoding coding;
  coding.shift = from.Read<uint8_t>();
  coding.near = from.Read<uint8_t>();
  coding.far = from.Read<uint8_t>();
  if (coding.shift > kRestShiftMax || coding.near == 0 || coding.far < coding.near) return false;
  ContextTables tables;
  Levels levels(rests.size());
  if (!ReadContextTables(from, coding, tables) || !ReadLanes(from, tables, levels)) return false;
  for (size_t i = 0; i < rests.size(); ++i) rests[i] = levels[i];
  BitReader low(from.rest());
  for (size_t i = 0; coding.shift > 0 && i < rests.size(); ++i) {
    if (levels[i] == kEscaped) continue;
    const auto level = static_cast<uint64_t>(rests[i]);
    rests[i] = static_cast<int64_t>(level << coding.shift | low.Get(coding.shift));
  }
  from.ReadBytes(low.Finish());
  if (!low.ok()) return false;
  for (size_t i = 0; i < rests.size(); ++i) {
    if (levels[i] != kEscaped) continue;
    const auto rest = ReadVarint(from);
    if (!rest) return false;
    rests[i] = UnZigZag(*rest);
  }
  return true;
}

// All stamps of the run.
[[nodiscard]] bool ReadRun(ByteReader& from, std::span<int64_t> stamps) {
  TickScale scale;
  scale.exponent = from.Read<uint8_t>();
  if (scale.exponent > kTickExponentMax) return false;
  const auto phase = ReadVarint(from, static_cast<uint64_t>(scale.tick_ns()) - 1);
  const auto first = ReadVarint(from);
  const auto typical = ReadVarint(from);
  if (!phase || !first || !typical) return false;
  scale.phase_ns = static_cast<int64_t>(*phase);
  int64_t tick = UnZigZag(*first);
  const std::span<int64_t> rests = stamps.subspan(1);
  if (!rests.empty() && !ReadRests(from, rests)) return false;
  if (!scale.Place(tick, stamps.front())) return false;
  const auto typical_step = static_cast<uint64_t>(UnZigZag(*typical));
  bool placed = true;
  for (int64_t& rest : rests) {
    const uint64_t step = static_cast<uint64_t>(rest) + typical_step;
    tick = static_cast<int64_t>(static_cast<uint64_t>(tick) + step);
    placed &= scale.Place(tick, rest);
  }
  return placed;
}

[[nodiscard]] bool ReadExact(ByteReader& from, size_t count_max, std::vector<Stamps>& blocks) {
  std::vector<size_t> counts(blocks.size());
  size_t all = 0;
  for (size_t& count : counts) {
    const auto read = ReadVarint(from, count_max - all);
    if (!read || *read == 0) return false;
    all += count = *read;
  }
  std::vector<int64_t> stamps(all);
  if (!ReadRun(from, stamps)) return false;
  auto next = stamps.begin();
  for (size_t b = 0; b < blocks.size(); ++b) {
    const auto end = next + static_cast<ptrdiff_t>(counts[b]);
    blocks[b] = Stamps::Exact(std::vector<int64_t>(next, end));
    next = end;
  }
  return true;
}

[[nodiscard]] bool ReadApart(ByteReader& from, size_t count_max, std::vector<Stamps>& blocks) {
  for (Stamps& block : blocks) {
    std::string_view bytes = from.rest();
    auto stamps = DecodeStamps(bytes, count_max);
    if (!stamps.ok()) return false;
    from.ReadBytes(from.rest().size() - bytes.size());
    block = *std::move(stamps);
    count_max -= block.size();
  }
  return true;
}

}  // namespace

void AppendDenseStamps(std::span<const Stamps* const> blocks, std::string& to) {
  AppendVarint(to, blocks.size());
  const DenseForm form = FormOf(blocks);
  AppendLe(to, form);
  switch (form) {
    case DenseForm::kApart:
      for (const Stamps* stamps : blocks) to += EncodeStamps(*stamps);
      return;
    case DenseForm::kRegular:
      return AppendRegular(blocks, to);
    case DenseForm::kExact:
      return AppendExact(blocks, to);
  }
}

bool ReadDenseStamps(ByteReader& from, size_t count_max, std::vector<Stamps>& blocks) {
  const auto count = ReadVarint(from);
  const auto form = from.Read<DenseForm>();
  // A block takes at least a byte: no memory for a count that cannot be meant.
  if (!count || !from.ok() || *count == 0 || *count > from.rest().size()) return false;
  if (*count > std::max<size_t>(count_max, 1)) return false;
  blocks.resize(*count);
  switch (form) {
    case DenseForm::kApart:
      return ReadApart(from, count_max, blocks);
    case DenseForm::kRegular:
      return ReadRegular(from, count_max, blocks);
    case DenseForm::kExact:
      return ReadExact(from, count_max, blocks);
  }
  return false;
}

}  // namespace tidemark::signal
