// The fit minimises the sum of the logarithms of the spans' energies, which is what an entropy
// coder pays for: least squares in which a span weighs one over its energy. (Unweighted, the loud
// spans alone would decide, and a fixed polynomial would do better.) All of it works on the
// covariances of the spans, so that a candidate is judged without another pass over the values.
//
// A book grows by splitting its predictors and assigning each span to its best (Lloyd, 1957), as
// long as that saves more than the coefficients cost.
#include "core/signal/predictor_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

namespace tidemark::signal {
namespace {

constexpr size_t kLags = kTapsMax + 1;
constexpr int kWeightingRounds = 3;
constexpr int kAssigningRounds = 3;
// How far apart the two halves of a split start.
constexpr double kSplitStep = 0.25;
// A larger book than this gains no more than its coefficients cost, and takes its time.
constexpr size_t kBookMax = 4;
// Added to every mean square: rounding leaves that much, and a perfect fit costs no fewer bits.
constexpr double kEnergyFloor = 0.06;
// A bit per value less for a quarter of the energy.
constexpr double kBitsPerLog2Energy = 0.5;

// Products of the lagged values i <= j, summed over a span, and as many that a predictor weighs
// them with: the energy that prediction leaves is the scalar product of the two.
constexpr size_t kProducts = kLags * (kLags + 1) / 2;
using Products = std::array<double, kProducts>;
constexpr size_t At(size_t i, size_t j) {
  return i <= j ? i * kLags - i * (i - 1) / 2 + j - i : At(j, i);
}
static_assert(At(0, kLags - 1) == kLags - 1 && At(1, 1) == kLags &&
              At(kLags - 1, kLags - 1) == kProducts - 1);

// sums[At(i, j)] = sum over the span of value[t - i] * value[t - j].
struct Covariance {
  Products sums{};
  double values = 0;

  void Add(const Covariance& other, double weight) {
    for (size_t i = 0; i < kProducts; ++i) sums[i] += weight * other.sums[i];
    values += weight * other.values;
  }
};

// Weights of the taps; the first belongs to the value before.
using Weights = std::array<double, kTapsMax>;

struct Candidate {
  size_t taps = 0;
  std::vector<Weights> book{};
  std::vector<uint8_t> choices{};  // per span
  std::vector<double> energies{};  // what is left of it
  double bits = 0;
};

template <class Int>
Covariance CovarianceOf(std::span<const Int> values, size_t first, size_t end) {
  Covariance covariance;
  covariance.values = static_cast<double>(end - first);
  std::array<double, kSpan + kTapsMax> x;
  for (size_t i = 0; i < end - first + kTapsMax; ++i) {
    x[i] = static_cast<double>(values[first - kTapsMax + i]);
  }
  const size_t n = end - first;
  for (size_t lag = 0; lag < kLags; ++lag) {
    const double* newer = x.data() + kTapsMax;
    const double* older = newer - lag;
    double sum = 0;
    for (size_t t = 0; t < n; ++t) sum += newer[t] * older[t];
    covariance.sums[At(0, lag)] = sum;
    // The same products shifted by one value: one comes in, one goes out.
    for (size_t i = 1; i + lag < kLags; ++i) {
      const auto back = static_cast<ptrdiff_t>(i);
      sum += newer[-back] * older[-back] -
             newer[static_cast<ptrdiff_t>(n) - back] * older[static_cast<ptrdiff_t>(n) - back];
      covariance.sums[At(i, i + lag)] = sum;
    }
  }
  return covariance;
}

// One per span; that of the first leaves out the values without enough before them.
template <class Int>
std::vector<Covariance> Covariances(std::span<const Int> values) {
  std::vector<Covariance> spans;
  spans.reserve(SpanCount(values.size()));
  for (size_t first = 0; first < values.size(); first += kSpan) {
    const size_t end = std::min(first + kSpan, values.size());
    const size_t begin = std::max(first, kTapsMax);
    spans.push_back(begin < end ? CovarianceOf(values, begin, end) : Covariance{});
  }
  return spans;
}

Products ProductsOf(const Weights& weights) {
  std::array<double, kLags> error{1};
  for (size_t i = 1; i < kLags; ++i) error[i] = -weights[i - 1];
  Products products;
  for (size_t i = 0; i < kLags; ++i) {
    for (size_t j = i; j < kLags; ++j) products[At(i, j)] = (i == j ? 1 : 2) * error[i] * error[j];
  }
  return products;
}

// The energy that a predictor leaves of a span.
double Energy(const Covariance& span, const Products& predictor) {
  // Several sums, so that additions need not wait for one another.
  constexpr size_t kSums = 5;
  static_assert(kProducts % kSums == 0);
  std::array<double, kSums> sums{};
  for (size_t i = 0; i < kProducts; i += kSums) {
    for (size_t k = 0; k < kSums; ++k) sums[k] += span.sums[i + k] * predictor[i + k];
  }
  const double energy = sums[0] + sums[1] + sums[2] + sums[3] + sums[4];
  return std::max(energy, 0.0) + kEnergyFloor * span.values;
}

double Bits(const Covariance& span, double energy) {
  if (span.values == 0) return 0;
  return span.values * kBitsPerLog2Energy * std::log2(energy / span.values / kEnergyFloor);
}

// Solves the normal equations by Cholesky's decomposition; nothing if they are singular.
std::optional<Weights> Solve(const Covariance& sums, size_t taps) {
  constexpr double kRidge = 1e-9;
  std::array<std::array<double, kTapsMax>, kTapsMax> l{};
  Weights weights{};
  for (size_t i = 0; i < taps; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = sums.sums[At(j + 1, i + 1)];
      if (i == j) sum += kRidge * (sum + sums.values);
      for (size_t k = 0; k < j; ++k) sum -= l[i][k] * l[j][k];
      if (i == j && !(sum > 0)) return std::nullopt;
      l[i][j] = i == j ? std::sqrt(sum) : sum / l[j][j];
    }
    weights[i] = sums.sums[At(0, i + 1)];
    for (size_t k = 0; k < i; ++k) weights[i] -= l[i][k] * weights[k];
    weights[i] /= l[i][i];
  }
  for (size_t i = taps; i-- > 0;) {
    for (size_t k = i + 1; k < taps; ++k) weights[i] -= l[k][i] * weights[k];
    weights[i] /= l[i][i];
  }
  return weights;
}

// Refits one predictor of the book to the spans that chose it.
void Refit(const std::vector<Covariance>& spans, size_t index, Candidate& candidate) {
  Covariance sums;
  for (size_t s = 0; s < spans.size(); ++s) {
    if (candidate.choices[s] != index || spans[s].values == 0) continue;
    sums.Add(spans[s], spans[s].values / candidate.energies[s]);
  }
  if (const auto weights = Solve(sums, candidate.taps)) candidate.book[index] = *weights;
}

// Lets every span choose, and counts the bits.
void Assign(const std::vector<Covariance>& spans, Candidate& candidate) {
  std::vector<Products> book;
  for (const Weights& weights : candidate.book) book.push_back(ProductsOf(weights));
  candidate.choices.assign(spans.size(), 0);
  candidate.energies.resize(spans.size());
  const auto predictors = static_cast<double>(book.size());
  candidate.bits = predictors * static_cast<double>(candidate.taps) * kCoefficientBits +
                   std::ceil(std::log2(predictors)) * static_cast<double>(spans.size());
  for (size_t s = 0; s < spans.size(); ++s) {
    double best = std::numeric_limits<double>::infinity();
    for (size_t p = 0; p < book.size(); ++p) {
      const double energy = Energy(spans[s], book[p]);
      if (energy >= best) continue;
      best = energy;
      candidate.choices[s] = static_cast<uint8_t>(p);
    }
    candidate.energies[s] = best;
    candidate.bits += Bits(spans[s], best);
  }
}

Candidate Fixed(const std::vector<Covariance>& spans, size_t taps, const Weights& weights) {
  Candidate candidate{taps, {weights}};
  Assign(spans, candidate);
  return candidate;
}

void Improve(const std::vector<Covariance>& spans, int rounds, Candidate& candidate) {
  for (int round = 0; round < rounds; ++round) {
    for (size_t p = 0; p < candidate.book.size(); ++p) Refit(spans, p, candidate);
    Assign(spans, candidate);
  }
}

Candidate Fitted(const std::vector<Covariance>& spans, size_t taps, const Candidate& start) {
  Candidate candidate{taps, start.book, start.choices, start.energies};
  Improve(spans, kWeightingRounds, candidate);
  return candidate;
}

// Twice the predictors.
Candidate Split(const std::vector<Covariance>& spans, const Candidate& whole) {
  Candidate candidate = whole;
  for (const Weights& weights : whole.book) {
    Weights other = weights;
    other[0] -= kSplitStep;
    other[1] += kSplitStep;
    candidate.book.push_back(other);
  }
  Assign(spans, candidate);
  Improve(spans, kAssigningRounds, candidate);
  return candidate;
}

const Candidate& Better(const Candidate& a, const Candidate& b) { return b.bits < a.bits ? b : a; }

Candidate BestCandidate(const std::vector<Covariance>& spans) {
  Candidate best = Fixed(spans, 0, {});
  Candidate polynomial = Fixed(spans, 2, {1});
  polynomial = Better(polynomial, Fixed(spans, 2, {2, -1}));
  polynomial = Better(polynomial, Fixed(spans, 4, {3, -3, 1}));
  best = Better(best, polynomial);
  for (const size_t taps : {size_t{2}, size_t{4}, size_t{8}}) {
    if (taps < polynomial.taps) continue;
    Candidate candidate = Fitted(spans, taps, polynomial);
    best = Better(best, candidate);
    while (taps > 2 && 2 * candidate.book.size() <= kBookMax) {
      Candidate split = Split(spans, candidate);
      if (split.bits >= candidate.bits) break;
      candidate = std::move(split);
    }
    best = Better(best, candidate);
  }
  return best;
}

// The largest shift at which all coefficients keep to their limits; nothing if there is none.
std::optional<int> ShiftFor(const Candidate& candidate) {
  constexpr int kShiftGoal = 12;
  double sum_max = 0;
  for (const Weights& weights : candidate.book) {
    double sum = 0;
    for (const double weight : weights) sum += std::abs(weight);
    if (!(sum < kCoefficientSumMax)) return std::nullopt;
    sum_max = std::max(sum_max, sum);
  }
  // Rounding adds at most one to each of the taps; a single one must fit 16 bits.
  constexpr double kSumMax = 32767 - kTapsMax;
  int shift = kShiftGoal;
  while (shift >= 0 && sum_max * (1 << shift) > kSumMax) --shift;
  return shift >= 0 ? std::optional(shift) : std::nullopt;
}

// Rounds to integers so that the sum of the weights, which is what a constant signal sees, keeps.
Coefficients Rounded(const Weights& weights, size_t taps, int shift) {
  Coefficients coefficients{};
  double carry = 0;
  for (size_t j = 0; j < taps; ++j) {
    const double exact = weights[j] * (1 << shift) + carry;
    coefficients[j] = static_cast<int16_t>(std::lround(exact));
    carry = exact - coefficients[j];
  }
  return coefficients;
}

Predictors RoundedPredictors(const Candidate& candidate, size_t span_count) {
  const std::optional<int> shift = ShiftFor(candidate);
  if (candidate.taps == 0 || !shift) return {};
  Predictors predictors{.taps = candidate.taps, .shift = *shift};
  for (const Weights& weights : candidate.book) {
    predictors.book.push_back(Rounded(weights, candidate.taps, *shift));
  }
  predictors.choices = candidate.choices;
  predictors.choices.resize(span_count);
  return predictors;
}

}  // namespace

template <class Int>
Predictors FitPredictors(std::span<const Int> values) {
  if (values.empty()) return {};
  const std::vector<Covariance> spans = Covariances(values);
  return RoundedPredictors(BestCandidate(spans), spans.size());
}

template Predictors FitPredictors(std::span<const int16_t>);
template Predictors FitPredictors(std::span<const int32_t>);

}  // namespace tidemark::signal
