#include "core/signal/prefix_code.h"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace tidemark::signal {
namespace {

// The sign takes one of the kCodeBits.
constexpr int kMagnitudeBitsMax = kCodeBits - 1;

// A set of symbols and its weight: what package-merge merges.
struct Package {
  uint64_t weight = 0;
  std::vector<uint8_t> symbols;
};

std::vector<Package> Leaves(std::span<const uint32_t> frequencies) {
  std::vector<Package> leaves;
  for (size_t symbol = 0; symbol < frequencies.size(); ++symbol) {
    if (frequencies[symbol] == 0) continue;
    leaves.push_back({frequencies[symbol], {static_cast<uint8_t>(symbol)}});
  }
  std::stable_sort(leaves.begin(), leaves.end(),
                   [](const Package& a, const Package& b) { return a.weight < b.weight; });
  return leaves;
}

// Neighbours together, two by two, merged with the leaves.
std::vector<Package> NextLevel(const std::vector<Package>& level,
                               const std::vector<Package>& leaves) {
  std::vector<Package> pairs;
  for (size_t i = 0; i + 1 < level.size(); i += 2) {
    Package pair{level[i].weight + level[i + 1].weight, level[i].symbols};
    pair.symbols.insert(pair.symbols.end(), level[i + 1].symbols.begin(),
                        level[i + 1].symbols.end());
    pairs.push_back(std::move(pair));
  }
  std::vector<Package> merged;
  std::merge(pairs.begin(), pairs.end(), leaves.begin(), leaves.end(), std::back_inserter(merged),
             [](const Package& a, const Package& b) { return a.weight < b.weight; });
  return merged;
}

uint16_t Reversed(uint32_t code, int bits) {
  uint32_t reversed = 0;
  for (int i = 0; i < bits; ++i) reversed |= (code >> i & 1) << (bits - 1 - i);
  return static_cast<uint16_t>(reversed);
}

// Every table entry whose low `bits` bits are `code`.
template <class Table>
void Fill(uint32_t code, int bits, uint32_t value, Table& table) {
  for (size_t i = code; i < table.size(); i += size_t{1} << bits) {
    table[i] = static_cast<uint16_t>(value << 8 | static_cast<uint32_t>(bits));
  }
}

}  // namespace

std::vector<uint8_t> CodeLengths(std::span<const uint32_t> frequencies, int bits_max) {
  std::vector<uint8_t> lengths(frequencies.size());
  const std::vector<Package> leaves = Leaves(frequencies);
  if (leaves.size() < 2) return lengths;
  assert(leaves.size() <= size_t{1} << bits_max);
  std::vector<Package> level = leaves;
  for (int bit = 1; bit < bits_max; ++bit) level = NextLevel(level, leaves);
  // Each time a symbol is among the cheapest packages its code grows by a bit.
  for (size_t i = 0; i < 2 * leaves.size() - 2; ++i) {
    for (const uint8_t symbol : level[i].symbols) ++lengths[symbol];
  }
  return lengths;
}

bool AssignCodes(std::span<const uint8_t> lengths, std::span<uint16_t> codes) {
  uint32_t next = 0;
  for (int bits = 1; bits <= kCodeBits; ++bits) {
    next <<= 1;
    for (size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      if (lengths[symbol] != bits) continue;
      if (next >> bits != 0) return false;
      codes[symbol] = Reversed(next++, bits);
    }
  }
  return next == uint32_t{1} << kCodeBits;
}

// ---- LevelCode ----------------------------------------------------------------------------------
// Stored as u8 x kMagnitudeBitsMax: how many magnitudes have codes of 1, 2, ... bits (magnitudes
// count from zero); u8 bits of the escape.

bool LevelCode::Assign() {
  bits_.fill(kNoCode);
  for (int symbol = 0; symbol <= kEscape; ++symbol) {
    const auto at = static_cast<size_t>(symbol);
    if (lengths_[at] == 0) continue;
    const bool has_sign = order_ == LevelOrder::kSigned && symbol != kEscape;
    bits_[at] = static_cast<uint8_t>(lengths_[at] + has_sign);
  }
  return AssignCodes(lengths_, codes_);
}

LevelCode LevelCode::Fit(LevelOrder order, const Frequencies& frequencies) {
  Frequencies fitted = frequencies;
  int end = kMagnitudes;
  while (end > 1 && fitted[static_cast<size_t>(end - 1)] == 0) --end;
  const auto magnitudes = std::span(fitted).first(static_cast<size_t>(end));
  for (uint32_t& frequency : magnitudes) frequency = std::max(frequency, 1u);
  // So the lengths come out in order. Where the frequencies do not fall, a little is lost.
  std::sort(magnitudes.begin(), magnitudes.end(), std::greater<>());
  fitted[kEscape] = std::max(fitted[kEscape], 1u);
  LevelCode code(order);
  const std::vector<uint8_t> lengths = CodeLengths(fitted, kMagnitudeBitsMax);
  std::copy(lengths.begin(), lengths.end(), code.lengths_.begin());
  std::sort(code.lengths_.begin(), code.lengths_.begin() + end);
  [[maybe_unused]] const bool complete = code.Assign();
  assert(complete);
  return code;
}

void LevelCode::Append(std::string& to) const {
  for (int bits = 1; bits <= kMagnitudeBitsMax; ++bits) {
    const auto n = std::count(lengths_.begin(), lengths_.end() - 1, bits);
    to.push_back(static_cast<char>(n));
  }
  to.push_back(static_cast<char>(lengths_[kEscape]));
}

bool LevelCode::Read(ByteReader& from) {
  lengths_.fill(0);
  size_t magnitude = 0;
  for (int bits = 1; bits <= kMagnitudeBitsMax; ++bits) {
    for (int n = from.Read<uint8_t>(); n > 0; --n) {
      if (magnitude == kMagnitudes) return false;
      lengths_[magnitude++] = static_cast<uint8_t>(bits);
    }
  }
  lengths_[kEscape] = from.Read<uint8_t>();
  return from.ok() && lengths_[kEscape] >= 1 && lengths_[kEscape] <= kMagnitudeBitsMax && Assign();
}

void LevelCode::Put(int symbol, int64_t level, BitWriter& to) const {
  const auto at = static_cast<size_t>(symbol);
  const bool sets_sign = bits_[at] > lengths_[at] && level < 0;
  to.Put(codes_[at] | uint64_t{sets_sign} << lengths_[at], bits_[at]);
}

LevelCode::Table LevelCode::MakeTable() const {
  Table table;
  for (int symbol = 0; symbol < kMagnitudes; ++symbol) {
    const auto at = static_cast<size_t>(symbol);
    if (lengths_[at] == 0) continue;
    if (order_ == LevelOrder::kZigZag) {
      const int level = symbol % 2 == 0 ? symbol / 2 : -1 - symbol / 2;
      Fill(codes_[at], bits_[at], static_cast<uint8_t>(level), table);
      continue;
    }
    const uint32_t sign = uint32_t{1} << lengths_[at];
    Fill(codes_[at], bits_[at], static_cast<uint8_t>(symbol), table);
    Fill(codes_[at] | sign, bits_[at], static_cast<uint8_t>(-1 - symbol), table);
  }
  Fill(codes_[kEscape], bits_[kEscape], static_cast<uint8_t>(kEscapeLevel), table);
  return table;
}

// ---- SymbolCode ---------------------------------------------------------------------------------
// Stored as u8 n, then the lengths of symbols 0 ... n - 1, 4 bits each. If all are zero, symbol
// n - 1 alone is meant, and takes no bits; n = 0 is a code without symbols.

SymbolCode SymbolCode::Fit(const Frequencies& frequencies) {
  SymbolCode code;
  const std::vector<uint8_t> lengths = CodeLengths(frequencies, kCodeBits);
  std::copy(lengths.begin(), lengths.end(), code.lengths_.begin());
  const auto used = std::find_if(frequencies.rbegin(), frequencies.rend(),
                                 [](uint32_t frequency) { return frequency > 0; });
  code.alone_ = static_cast<size_t>(frequencies.rend() - used);
  [[maybe_unused]] const bool complete = AssignCodes(code.lengths_, code.codes_);
  return code;
}

void SymbolCode::Append(std::string& to) const {
  to.push_back(static_cast<char>(alone_));
  BitWriter bits(to);
  for (size_t symbol = 0; symbol < alone_; ++symbol) bits.Put(lengths_[symbol], 4);
  bits.Finish();
}

bool SymbolCode::Read(ByteReader& from) {
  lengths_.fill(0);
  alone_ = from.Read<uint8_t>();
  if (alone_ > kSymbols) return false;
  BitReader bits(from.ReadBytes((alone_ + 1) / 2));
  bool any = false;
  for (size_t symbol = 0; symbol < alone_; ++symbol) {
    lengths_[symbol] = static_cast<uint8_t>(bits.Get(4));
    any |= lengths_[symbol] > 0;
    if (lengths_[symbol] > kCodeBits) return false;
  }
  bits.Finish();
  if (!from.ok() || !bits.ok()) return false;
  return !any || AssignCodes(lengths_, codes_);
}

SymbolCode::Table SymbolCode::MakeTable() const {
  Table table;
  const bool any = std::any_of(lengths_.begin(), lengths_.end(), [](uint8_t n) { return n > 0; });
  if (!any) table.fill(static_cast<uint16_t>((alone_ > 0 ? alone_ - 1 : 0) << 8));
  for (size_t symbol = 0; any && symbol < alone_; ++symbol) {
    if (lengths_[symbol] == 0) continue;
    Fill(codes_[symbol], lengths_[symbol], static_cast<uint32_t>(symbol), table);
  }
  return table;
}

}  // namespace tidemark::signal
