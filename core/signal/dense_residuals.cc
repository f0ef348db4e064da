#include "core/signal/dense_residuals.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "core/signal/varint.h"

namespace tidemark::signal {
namespace {

constexpr size_t StepSymbol(int before, int group_class) {
  return static_cast<size_t>(ZigZag(group_class - before));
}

// ---- Choosing -----------------------------------------------------------------------------------

template <class Int>
bool IsZero(const Int* group) {
  Int any = 0;
  for (size_t i = 0; i < kGroup; ++i) any = static_cast<Int>(any | group[i]);
  return any == 0;
}

// The class at which the mean magnitude is about two to four levels.
template <class Int>
int LikelyClass(const Int* group) {
  if (IsZero(group)) return 0;
  uint64_t sum = 0;
  for (size_t i = 0; i < kGroup; ++i) {
    const int64_t residual = group[i];
    sum += static_cast<uint64_t>(residual < 0 ? -residual : residual);
  }
  return std::clamp(static_cast<int>(std::bit_width(2 * sum / kGroup)), 1, kClassMax<Int>);
}

// What a group costs in each class, the class itself included.
class ClassCosts {
 public:
  explicit ClassCosts(const ResidualCodes& codes) : codes_(codes) {}

  template <class Int>
  uint64_t Bits(const Int* group, int before, int group_class) const {
    const uint64_t step = StepBits(before, group_class);
    if (group_class == 0) return step;
    const int shift = ShiftOf(group_class);
    const LevelCode& code = codes_.levels[CodeOf(group_class)];
    uint64_t bits = kGroup * static_cast<uint64_t>(shift) + step;
    for (size_t i = 0; i < kGroup; ++i) {
      const int symbol = code.SymbolOf(int64_t{group[i]} >> shift);
      const int escape = symbol == LevelCode::kEscape ? 8 * static_cast<int>(sizeof(Int)) : 0;
      bits += static_cast<uint64_t>(code.bits(symbol) + escape);
    }
    return bits;
  }
  // The cheapest class near the likely one.
  template <class Int>
  int Cheapest(const Int* group, int before, int likely) const {
    if (likely == 0) return 0;
    int best = likely;
    uint64_t best_bits = std::numeric_limits<uint64_t>::max();
    for (int c = std::max(1, likely - 1); c <= std::min(likely + 1, kClassMax<Int>); ++c) {
      const uint64_t bits = Bits(group, before, c);
      if (bits >= best_bits) continue;
      best_bits = bits;
      best = c;
    }
    return best;
  }

 private:
  // A step that nobody took yet has no code, and is taken for a rare one.
  uint64_t StepBits(int before, int group_class) const {
    const int bits = codes_.steps.bits(StepSymbol(before, group_class));
    return static_cast<uint64_t>(bits > 0 ? bits : kRareStepBits);
  }
  static constexpr int kRareStepBits = 6;
  const ResidualCodes& codes_;
};

// Counts symbols for the codes to be fitted to.
class Census {
 public:
  template <class Int>
  void Count(const Residuals<Int>& channel) {
    int before = 0;
    for (size_t g = 0; g < channel.classes.size(); ++g) {
      const int group_class = channel.classes[g];
      ++steps_[StepSymbol(before, group_class)];
      before = group_class;
      if (group_class == 0) continue;
      const size_t code = CodeOf(group_class);
      for (size_t i = 0; i < kGroup; ++i) {
        const int64_t level = int64_t{channel.values[g * kGroup + i]} >> ShiftOf(group_class);
        ++levels_[code][static_cast<size_t>(MagnitudeOf(OrderOfCode(code), level))];
      }
    }
  }
  ResidualCodes Fit() const {
    ResidualCodes codes;
    for (size_t i = 0; i < kLevelCodes; ++i) {
      const LevelCode::Frequencies& levels = levels_[i];
      codes.levels[i] = LevelCode::Fit(OrderOfCode(i), levels);
      codes.used[i] = std::any_of(levels.begin(), levels.end(), [](uint32_t n) { return n > 0; });
    }
    codes.steps = SymbolCode::Fit(steps_);
    return codes;
  }

 private:
  std::array<LevelCode::Frequencies, kLevelCodes> levels_{};
  SymbolCode::Frequencies steps_{};
};

template <class Int>
void ChooseLikely(Residuals<Int>& channel) {
  channel.classes.resize(channel.values.size() / kGroup);
  for (size_t g = 0; g < channel.classes.size(); ++g) {
    channel.classes[g] = static_cast<uint8_t>(LikelyClass(&channel.values[g * kGroup]));
  }
}

template <class Int>
void ChooseCheapest(const ResidualCodes& codes, Residuals<Int>& channel) {
  const ClassCosts costs(codes);
  int before = 0;
  for (size_t g = 0; g < channel.classes.size(); ++g) {
    const Int* group = &channel.values[g * kGroup];
    before = costs.Cheapest(group, before, LikelyClass(group));
    channel.classes[g] = static_cast<uint8_t>(before);
  }
}

// ---- Writing ------------------------------------------------------------------------------------

// The four level streams, the low bits and the escapes of a channel under construction.
template <class Int>
class ResidualWriter {
 public:
  explicit ResidualWriter(const ResidualCodes& codes) : codes_(codes) {}

  void Add(const Int* group, int group_class) {
    const int shift = ShiftOf(group_class);
    const LevelCode& code = codes_.levels[CodeOf(group_class)];
    const auto mask = static_cast<uint64_t>((uint64_t{1} << shift) - 1);
    for (size_t i = 0; i < kGroup; ++i) {
      const Int residual = group[i];
      const int64_t level = int64_t{residual} >> shift;
      const int symbol = code.SymbolOf(level);
      code.Put(symbol, level, writers_[i % kStreams]);
      if (symbol == LevelCode::kEscape) AppendLe(escapes_, residual);
      low_.Put(static_cast<uint64_t>(residual) & mask, shift);
    }
  }
  void Append(std::string& to) && {
    for (BitWriter& writer : writers_) writer.Finish();
    low_.Finish();
    for (const std::string& stream : streams_) AppendVarint(to, stream.size());
    for (const std::string& stream : streams_) to += stream;
    to += low_bytes_;
    to += escapes_;
  }

 private:
  const ResidualCodes& codes_;
  std::array<std::string, kStreams> streams_;
  std::array<BitWriter, kStreams> writers_{BitWriter(streams_[0]), BitWriter(streams_[1]),
                                           BitWriter(streams_[2]), BitWriter(streams_[3])};
  std::string low_bytes_;
  BitWriter low_{low_bytes_};
  std::string escapes_;
};

}  // namespace

void AppendCodes(const ResidualCodes& codes, std::string& to) {
  uint8_t used = 0;
  for (size_t i = 0; i < kLevelCodes; ++i) used |= static_cast<uint8_t>(codes.used[i] << i);
  AppendLe(to, used);
  for (size_t i = 0; i < kLevelCodes; ++i) {
    if (codes.used[i]) codes.levels[i].Append(to);
  }
  codes.steps.Append(to);
}

ResidualCodes ResidualPlan::Choose() {
  const auto each = [this](auto visit) {
    for (Residuals<int16_t>* channel : narrow_) visit(*channel);
    for (Residuals<int32_t>* channel : wide_) visit(*channel);
  };
  const auto fit = [&each] {
    Census census;
    each([&census](const auto& channel) { census.Count(channel); });
    return census.Fit();
  };
  each([](auto& channel) { ChooseLikely(channel); });
  const ResidualCodes first = fit();
  each([&first](auto& channel) { ChooseCheapest(first, channel); });
  return fit();
}

template <class Int>
void AppendResiduals(const Residuals<Int>& channel, const ResidualCodes& codes, std::string& to) {
  BitWriter classes(to);
  int before = 0;
  ResidualWriter<Int> writer(codes);
  for (size_t g = 0; g < channel.classes.size(); ++g) {
    const int group_class = channel.classes[g];
    codes.steps.Put(StepSymbol(before, group_class), classes);
    before = group_class;
    if (group_class > 0) writer.Add(&channel.values[g * kGroup], group_class);
  }
  classes.Finish();
  std::move(writer).Append(to);
}

template void AppendResiduals(const Residuals<int16_t>&, const ResidualCodes&, std::string&);
template void AppendResiduals(const Residuals<int32_t>&, const ResidualCodes&, std::string&);
}  // namespace tidemark::signal
