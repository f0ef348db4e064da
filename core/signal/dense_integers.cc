#include "core/signal/dense_integers.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <utility>

#include "core/signal/predictor_fit.h"
#include "core/signal/varint.h"

namespace tidemark::signal {
namespace {

constexpr uint8_t kWide = 1;
constexpr int kTapsShift = 1;
constexpr int kTapsMask = 7;
constexpr int kBookShift = 4;
constexpr int kCoefficientBitsMax = 16;

int TapsNumber(size_t taps) { return taps == 0 ? 0 : static_cast<int>(std::bit_width(taps)) - 1; }
size_t TapsOf(int number) { return number == 0 ? 0 : size_t{1} << number; }
int ChoiceBits(size_t predictors) { return static_cast<int>(std::bit_width(predictors - 1)); }

uint32_t StrideOver(std::span<const int32_t> values) {
  uint32_t stride = 0;
  for (size_t i = 1; i < values.size() && stride != 1; ++i) {
    const int64_t step = int64_t{values[i]} - values[i - 1];
    const auto distance = static_cast<uint32_t>(step < 0 ? -step : step);
    if (stride == 0 || distance % stride != 0) stride = std::gcd(stride, distance);
  }
  return std::max(stride, 1u);
}

// How values stand for their integers m.
struct Placing {
  uint32_t stride = 1;
  int32_t base = 0;
  bool is_wide = false;
};

// 16 bits if the steps between the extremes fit; unmoved if the values fit as they are.
Placing PlacingOf(std::span<const int32_t> values) {
  using Narrow = std::numeric_limits<int16_t>;
  if (values.empty()) return {};
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  Placing placing{.stride = StrideOver(values)};
  if (placing.stride == 1 && *low >= Narrow::min() && *high <= Narrow::max()) return placing;
  const int64_t steps = (int64_t{*high} - *low) / placing.stride;
  placing.is_wide = steps > std::numeric_limits<uint16_t>::max();
  if (placing.is_wide && placing.stride == 1) return placing;
  // A value near the middle, which m = 0 stands for; so m fits, whichever the width.
  placing.base = static_cast<int32_t>(*low + (steps + 1) / 2 * int64_t{placing.stride});
  return placing;
}

template <class Int>
std::vector<Int> Placed(std::span<const int32_t> values, const Placing& placing) {
  std::vector<Int> placed(values.size());
  const auto stride = int64_t{placing.stride};
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t distance = int64_t{values[i]} - placing.base;
    placed[i] = static_cast<Int>(stride == 1 ? distance : distance / stride);
  }
  return placed;
}

void AppendPredictors(const Predictors& predictors, std::string& to) {
  AppendLe(to, static_cast<uint8_t>(predictors.shift));
  uint64_t any = 0;
  for (const Coefficients& coefficients : predictors.book) {
    for (size_t j = 0; j < predictors.taps; ++j) any |= ZigZag(coefficients[j]);
  }
  const int coefficient_bits = static_cast<int>(std::bit_width(any));
  AppendLe(to, static_cast<uint8_t>(coefficient_bits));
  BitWriter bits(to);
  for (const Coefficients& coefficients : predictors.book) {
    for (size_t j = 0; j < predictors.taps; ++j)
      bits.Put(ZigZag(coefficients[j]), coefficient_bits);
  }
  const int choice_bits = ChoiceBits(predictors.book.size());
  for (const uint8_t choice : predictors.choices) bits.Put(choice, choice_bits);
  bits.Finish();
}

[[nodiscard]] bool ReadPredictors(ByteReader& from, size_t book_size, size_t count,
                                  Predictors& predictors) {
  predictors.shift = from.Read<uint8_t>();
  const int coefficient_bits = from.Read<uint8_t>();
  if (predictors.shift > kShiftMax || coefficient_bits > kCoefficientBitsMax) return false;
  BitReader bits(from.rest());
  predictors.book.resize(book_size);
  for (Coefficients& coefficients : predictors.book) {
    int sum = 0;
    for (size_t j = 0; j < predictors.taps; ++j) {
      const auto coefficient = static_cast<int>(UnZigZag(bits.Get(coefficient_bits)));
      coefficients[j] = static_cast<int16_t>(coefficient);
      sum += std::abs(coefficient);
    }
    if (sum > kCoefficientSumMax) return false;
  }
  const int choice_bits = ChoiceBits(book_size);
  predictors.choices.resize(SpanCount(count));
  for (uint8_t& choice : predictors.choices) {
    choice = static_cast<uint8_t>(bits.Get(choice_bits));
    if (choice >= book_size) return false;
  }
  from.ReadBytes(bits.Finish());
  return bits.ok();
}

template <class Int>
void AppendHeads(const std::vector<Int>& heads, std::string& to) {
  int64_t before = 0;
  for (const Int head : heads) AppendVarint(to, ZigZag(head - std::exchange(before, head)));
}

template <class Int>
[[nodiscard]] bool ReadHeads(ByteReader& from, std::vector<Int>& heads) {
  // A difference of two Ints has one more bit.
  constexpr uint64_t kStepMax = (uint64_t{1} << (8 * sizeof(Int) + 1)) - 1;
  int64_t head = 0;
  for (Int& to : heads) {
    const auto step = ReadVarint(from, kStepMax);
    if (!step) return false;
    head += UnZigZag(*step);
    to = static_cast<Int>(head);
    if (to != head) return false;
  }
  return true;
}

}  // namespace

DenseIntegers::DenseIntegers(std::span<const int32_t> values) {
  const Placing placing = PlacingOf(values);
  stride_ = placing.stride;
  base_ = static_cast<uint32_t>(placing.base);
  if (placing.is_wide) {
    predicted_ = PredictedFrom(Placed<int32_t>(values, placing));
  } else {
    predicted_ = PredictedFrom(Placed<int16_t>(values, placing));
  }
}

template <class Int>
DenseIntegers::Predicted<Int> DenseIntegers::PredictedFrom(std::vector<Int> values) {
  Predicted<Int> predicted;
  const std::span<const Int> all = values;
  predicted.predictors = FitPredictors(all);
  predicted.residuals.values.resize(GroupCount(all.size()) * kGroup);
  Predict(predicted.predictors, all, std::span(predicted.residuals.values).first(all.size()));
  if (predicted.predictors.taps == 0) return predicted;
  for (size_t l = 0; l < LaneCount(all.size()); ++l) {
    predicted.heads.push_back(all[l * LaneValues(all.size())]);
  }
  return predicted;
}

void DenseIntegers::AddTo(ResidualPlan& plan) {
  std::visit([&plan](auto& predicted) { plan.Add(predicted.residuals); }, predicted_);
}

void DenseIntegers::Append(const ResidualCodes& codes, std::string& to) const {
  AppendVarint(to, stride_);
  AppendVarint(to, ZigZag(static_cast<int32_t>(base_)));
  std::visit([&](const auto& predicted) { AppendPredicted(predicted, codes, to); }, predicted_);
}

template <class Int>
void DenseIntegers::AppendPredicted(const Predicted<Int>& predicted, const ResidualCodes& codes,
                                    std::string& to) {
  const Predictors& predictors = predicted.predictors;
  const int book = static_cast<int>(std::max<size_t>(predictors.book.size(), 1)) - 1;
  const int width = sizeof(Int) == sizeof(int32_t) ? kWide : 0;
  to.push_back(
      static_cast<char>(width | TapsNumber(predictors.taps) << kTapsShift | book << kBookShift));
  if (predictors.taps > 0) {
    AppendPredictors(predictors, to);
    AppendHeads(predicted.heads, to);
  }
  AppendResiduals(predicted.residuals, codes, to);
}

bool DenseIntegersReader::Read(ByteReader& from, size_t count) {
  const auto stride = ReadVarint(from, std::numeric_limits<uint32_t>::max());
  const auto base = ReadVarint(from, std::numeric_limits<uint32_t>::max());
  if (!stride || *stride == 0 || !base) return false;
  count_ = count;
  stride_ = static_cast<uint32_t>(*stride);
  base_ = static_cast<uint32_t>(UnZigZag(*base));
  const uint8_t head = from.Read<uint8_t>();
  is_wide_ = head & kWide;
  Predictors predictors;
  predictors.taps = TapsOf(head >> kTapsShift & kTapsMask);
  const size_t book_size = static_cast<size_t>(head >> kBookShift) + 1;
  if (!from.ok() || predictors.taps > kTapsMax) return false;
  if (predictors.taps == 0 && book_size > 1) return false;
  if (predictors.taps > 0 && !ReadPredictors(from, book_size, count, predictors)) return false;
  return is_wide_ ? ReadPredicted(from, predictors, wide_)
                  : ReadPredicted(from, predictors, narrow_);
}

template <class Int>
bool DenseIntegersReader::ReadPredicted(ByteReader& from, Predictors& predictors,
                                        std::vector<Int>& values) {
  std::vector<Int> heads(predictors.taps > 0 ? LaneCount(count_) : 0);
  if (!ReadHeads(from, heads)) return false;
  // As Unpredict wants it.
  values.resize(kLanes * LaneValues(count_));
  const auto residuals = std::span(values).first(GroupCount(count_) * kGroup);
  if (!ReadResiduals(from, tables_, residuals, space_)) return false;
  Unpredict<Int>(predictors, heads, count_, values);
  return true;
}

}  // namespace tidemark::signal
