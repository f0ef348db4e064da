#include "core/signal/predictor.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tidemark::signal {
namespace {

template <class Int>
Int WrappingAdd(Int a, Int b) {
  using UInt = std::make_unsigned_t<Int>;
  return static_cast<Int>(static_cast<UInt>(static_cast<UInt>(a) + static_cast<UInt>(b)));
}
template <class Int>
Int WrappingSubtract(Int a, Int b) {
  using UInt = std::make_unsigned_t<Int>;
  return static_cast<Int>(static_cast<UInt>(static_cast<UInt>(a) - static_cast<UInt>(b)));
}

template <class Int>
Int Clamped(int64_t prediction) {
  using Limits = std::numeric_limits<Int>;
  return static_cast<Int>(
      std::clamp<int64_t>(prediction, int64_t{Limits::min()}, int64_t{Limits::max()}));
}

// Prediction of value `i` < kWarmUp of a lane that begins at `lane`; i > 0.
template <class Int>
Int WarmUpPrediction(const Int* lane, size_t i) {
  if (i == 1) return lane[0];
  return Clamped<Int>(2 * int64_t{lane[i - 1]} - int64_t{lane[i - 2]});
}

// Prediction from the kTaps values before `next`.
template <size_t kTaps, class Int>
Int TapPrediction(const Coefficients& coefficients, int shift, const Int* next) {
  int64_t sum = (int64_t{1} << shift) >> 1;
#pragma GCC unroll 8
  for (size_t j = 0; j < kTaps; ++j) {
    sum += int64_t{coefficients[j]} * int64_t{*(next - 1 - static_cast<ptrdiff_t>(j))};
  }
  return Clamped<Int>(sum >> shift);
}

struct Lane {
  size_t begin;
  size_t count;
};
Lane LaneAt(size_t lane, size_t count) {
  const size_t begin = lane * LaneValues(count);
  return {begin, std::min(LaneValues(count), count - begin)};
}

// Calls visit(coefficients, first, end) for the stretches of a lane behind its warm-up that share a
// predictor.
template <class Visit>
void ForEachSpan(const Predictors& predictors, const Lane& lane, Visit visit) {
  size_t first = lane.begin + std::min(kWarmUp, lane.count);
  for (const size_t end = lane.begin + lane.count; first < end;) {
    const size_t span = first / kSpan;
    const size_t span_end = std::min(end, (span + 1) * kSpan);
    visit(predictors.book[predictors.choices[span]], first, span_end);
    first = span_end;
  }
}

template <size_t kTaps, class Int>
void PredictLane(const Predictors& predictors, const Lane& lane, std::span<const Int> values,
                 std::span<Int> residuals) {
  const Int* begin = values.data() + lane.begin;
  residuals[lane.begin] = 0;
  for (size_t i = 1; i < std::min(kWarmUp, lane.count); ++i) {
    residuals[lane.begin + i] = WrappingSubtract(begin[i], WarmUpPrediction(begin, i));
  }
  ForEachSpan(predictors, lane, [&](const Coefficients& coefficients, size_t first, size_t end) {
    for (size_t i = first; i < end; ++i) {
      const Int* next = values.data() + i;
      residuals[i] =
          WrappingSubtract(*next, TapPrediction<kTaps>(coefficients, predictors.shift, next));
    }
  });
}

// The first kWarmUp values of a lane, residuals in, values out.
template <class Int>
void UnpredictWarmUp(Int head, size_t count, Int* lane) {
  lane[0] = WrappingAdd(lane[0], head);
  for (size_t i = 1; i < std::min(kWarmUp, count); ++i) {
    lane[i] = WrappingAdd(lane[i], WarmUpPrediction(lane, i));
  }
}

template <size_t kTaps, class Int>
void UnpredictLanes(const Predictors& predictors, size_t count, std::span<Int> values) {
  for (size_t l = 0; l < LaneCount(count); ++l) {
    ForEachSpan(predictors, LaneAt(l, count),
                [&](const Coefficients& coefficients, size_t first, size_t end) {
                  for (Int* next = &values[first]; next != values.data() + end; ++next) {
                    *next = WrappingAdd(*next,
                                        TapPrediction<kTaps>(coefficients, predictors.shift, next));
                  }
                });
  }
}

#ifdef __SSE2__

// Eight lanes of int16 at once, a vector element each.
static_assert(kLanes == 8 && kSpan % 8 == 0 && kWarmUp % 8 == 0 && kWarmUp >= kTapsMax);
using Vector = __m128i;
// Plain arrays: a vector is no good template argument.
struct Tile {
  Vector rows[8];
};

// Rows become columns.
Tile Transposed(Tile tile) {
  // Each round riffles the two halves; three of them exchange the indices of rows and columns.
  for (int round = 0; round < 3; ++round) {
    const Tile& m = tile;
    Tile riffled;
    for (size_t i = 0; i < 4; ++i) {
      riffled.rows[2 * i] = _mm_unpacklo_epi16(m.rows[i], m.rows[i + 4]);
      riffled.rows[2 * i + 1] = _mm_unpackhi_epi16(m.rows[i], m.rows[i + 4]);
    }
    tile = riffled;
  }
  return tile;
}

Vector* RowAt(int16_t* values, size_t lane_values, size_t lane, size_t t) {
  return reinterpret_cast<Vector*>(values + lane * lane_values + t);
}
Tile LoadTile(int16_t* values, size_t lane_values, size_t t) {
  Tile tile;
  for (size_t l = 0; l < kLanes; ++l) {
    tile.rows[l] = _mm_loadu_si128(RowAt(values, lane_values, l, t));
  }
  return Transposed(tile);
}
void StoreTile(const Tile& tile, int16_t* values, size_t lane_values, size_t t) {
  const Tile lanes = Transposed(tile);
  for (size_t l = 0; l < kLanes; ++l) {
    _mm_storeu_si128(RowAt(values, lane_values, l, t), lanes.rows[l]);
  }
}

// For each pair of taps, the coefficients of lanes 0-3 and of lanes 4-7.
template <size_t kTaps>
struct LaneCoefficients {
  Vector low[kTaps / 2];
  Vector high[kTaps / 2];
};

template <size_t kTaps>
LaneCoefficients<kTaps> CoefficientsAt(const Predictors& predictors, size_t lane_values, size_t t) {
  alignas(16) std::array<std::array<int16_t, 2 * kLanes>, kTaps / 2> pairs{};
  for (size_t l = 0; l < kLanes; ++l) {
    const size_t span = (l * lane_values + t) / kSpan;
    // Lanes behind the last value have no choice to look up.
    if (span >= predictors.choices.size()) break;
    const Coefficients& coefficients = predictors.book[predictors.choices[span]];
    for (size_t j = 0; j < kTaps; ++j) pairs[j / 2][2 * l + j % 2] = coefficients[j];
  }
  LaneCoefficients<kTaps> lanes;
  for (size_t j = 0; j < kTaps / 2; ++j) {
    lanes.low[j] = _mm_load_si128(reinterpret_cast<const Vector*>(pairs[j].data()));
    lanes.high[j] = _mm_load_si128(reinterpret_cast<const Vector*>(pairs[j].data() + kLanes));
  }
  return lanes;
}

// Neighbouring values of the lanes, in pairs as _mm_madd_epi16 multiplies them.
struct Pairs {
  Vector low;
  Vector high;
};
Pairs PairsOf(Vector newer, Vector older) {
  return {_mm_unpacklo_epi16(newer, older), _mm_unpackhi_epi16(newer, older)};
}

// One tile of residuals becomes one of values. `history` holds the pairs that ended with each of
// the last eight values, by time modulo eight; `last` is the value before.
template <size_t kTaps>
void UnpredictTile(const LaneCoefficients<kTaps>& coefficients, int shift,
                   std::array<Pairs, 8>& history, Vector& last, Tile& tile) {
  const Vector half = _mm_set1_epi32((1 << shift) >> 1);
  const Vector by = _mm_cvtsi32_si128(shift);
#pragma GCC unroll 8
  for (size_t t = 0; t < 8; ++t) {
    Vector low = half;
    Vector high = half;
    // The newest pair last: it is what everything waits for.
    for (size_t j = kTaps / 2; j-- > 0;) {
      const Pairs& pairs = history[(t + 7 - 2 * j) % 8];
      low = _mm_add_epi32(low, _mm_madd_epi16(pairs.low, coefficients.low[j]));
      high = _mm_add_epi32(high, _mm_madd_epi16(pairs.high, coefficients.high[j]));
    }
    const Vector prediction = _mm_packs_epi32(_mm_sra_epi32(low, by), _mm_sra_epi32(high, by));
    const Vector value = _mm_add_epi16(tile.rows[t], prediction);
    history[t] = PairsOf(value, last);
    tile.rows[t] = last = value;
  }
}

template <size_t kTaps>
void UnpredictLanes16(const Predictors& predictors, size_t count, int16_t* values) {
  const size_t lane_values = LaneValues(count);
  std::array<Pairs, 8> history;
  const Tile before = LoadTile(values, lane_values, kWarmUp - 8);
  // The oldest pair would need a ninth value, and no tap reaches it.
  for (size_t t = 0; t < 8; ++t) {
    history[t] = PairsOf(before.rows[t], before.rows[t > 0 ? t - 1 : 0]);
  }
  Vector last = before.rows[7];
  LaneCoefficients<kTaps> coefficients{};
  for (size_t t = kWarmUp; t < lane_values; t += 8) {
    if (t % kSpan == 0 || t == kWarmUp) {
      coefficients = CoefficientsAt<kTaps>(predictors, lane_values, t);
    }
    Tile tile = LoadTile(values, lane_values, t);
    UnpredictTile<kTaps>(coefficients, predictors.shift, history, last, tile);
    StoreTile(tile, values, lane_values, t);
  }
}

template <size_t kTaps>
void UnpredictLanes(const Predictors& predictors, size_t count, std::span<int16_t> values) {
  UnpredictLanes16<kTaps>(predictors, count, values.data());
}

#endif

}  // namespace

template <class Int>
void Predict(const Predictors& predictors, std::span<const Int> values, std::span<Int> residuals) {
  if (predictors.taps == 0) {
    std::copy(values.begin(), values.end(), residuals.begin());
    return;
  }
  for (size_t l = 0; l < LaneCount(values.size()); ++l) {
    const Lane lane = LaneAt(l, values.size());
    if (predictors.taps == 2) PredictLane<2>(predictors, lane, values, residuals);
    if (predictors.taps == 4) PredictLane<4>(predictors, lane, values, residuals);
    if (predictors.taps == 8) PredictLane<8>(predictors, lane, values, residuals);
  }
}

template <class Int>
void Unpredict(const Predictors& predictors, std::span<const Int> heads, size_t count,
               std::span<Int> values) {
  if (predictors.taps == 0) return;
  for (size_t l = 0; l < LaneCount(count); ++l) {
    const Lane lane = LaneAt(l, count);
    UnpredictWarmUp(heads[l], lane.count, values.data() + lane.begin);
  }
  if (predictors.taps == 2) UnpredictLanes<2>(predictors, count, values);
  if (predictors.taps == 4) UnpredictLanes<4>(predictors, count, values);
  if (predictors.taps == 8) UnpredictLanes<8>(predictors, count, values);
}

template void Predict(const Predictors&, std::span<const int16_t>, std::span<int16_t>);
template void Predict(const Predictors&, std::span<const int32_t>, std::span<int32_t>);
template void Unpredict(const Predictors&, std::span<const int16_t>, size_t, std::span<int16_t>);
template void Unpredict(const Predictors&, std::span<const int32_t>, size_t, std::span<int32_t>);

}  // namespace tidemark::signal
