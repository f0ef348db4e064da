#include "core/signal/stamps.h"

#include <algorithm>
#include <utility>

#include "core/signal/int128.h"

namespace tidemark::signal {
namespace {

// b - a for a <= b, which always fits.
uint64_t Distance(int64_t a, int64_t b) {
  return static_cast<uint64_t>(b) - static_cast<uint64_t>(a);
}
bool IsPlausible(int64_t stamp, int64_t median) {
  return Distance(std::min(stamp, median), std::max(stamp, median)) <=
         static_cast<uint64_t>(kPlausibleHalfSpanNs);
}

// The first index in [0, count) for which `in` holds, given that it never turns false again.
template <class In>
size_t FirstIndex(size_t count, In in) {
  size_t low = 0;
  size_t high = count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (in(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// Regular stamps are monotone: the plausible ones are a run around the middle.
StampSurvey SurveyRegular(const Stamps& stamps) {
  const size_t count = stamps.size();
  const bool falls = stamps.last_ns() < stamps.first_ns();
  const auto ascending = [&](size_t i) { return stamps[falls ? count - 1 - i : i]; };
  const size_t middle = (count - 1) / 2;
  const int64_t median = ascending(middle);
  const size_t begin =
      FirstIndex(middle, [&](size_t i) { return IsPlausible(ascending(i), median); });
  const size_t end = middle + FirstIndex(count - middle, [&](size_t i) {
                       return !IsPlausible(ascending(middle + i), median);
                     });
  const uint64_t span = falls ? Distance(stamps.last_ns(), stamps.first_ns())
                              : Distance(stamps.first_ns(), stamps.last_ns());
  return {.t_min_ns = ascending(begin),
          .t_max_ns = ascending(end - 1),
          .outliers = count - (end - begin),
          .has_backward_step = falls,
          .has_repeat = span < count - 1};
}

// For stamps that lie far apart: finds the median and who is within its reach.
StampSurvey SurveyOutliers(std::vector<int64_t> stamps) {
  const auto middle = stamps.begin() + static_cast<ptrdiff_t>((stamps.size() - 1) / 2);
  std::nth_element(stamps.begin(), middle, stamps.end());
  const int64_t median = *middle;
  StampSurvey survey{.t_min_ns = median, .t_max_ns = median};
  for (const int64_t stamp : stamps) {
    if (!IsPlausible(stamp, median)) {
      ++survey.outliers;
      continue;
    }
    survey.t_min_ns = std::min(survey.t_min_ns, stamp);
    survey.t_max_ns = std::max(survey.t_max_ns, stamp);
  }
  return survey;
}

StampSurvey SurveyExact(std::span<const int64_t> stamps) {
  int64_t min = stamps[0];
  int64_t max = stamps[0];
  bool backward = false;
  bool repeat = false;
  for (size_t i = 1; i < stamps.size(); ++i) {
    min = std::min(min, stamps[i]);
    max = std::max(max, stamps[i]);
    backward |= stamps[i] < stamps[i - 1];
    repeat |= stamps[i] == stamps[i - 1];
  }
  // Stamps that are this close to one another are close to their median, whichever it is.
  const bool all_close = Distance(min, max) <= static_cast<uint64_t>(kPlausibleHalfSpanNs);
  StampSurvey survey = all_close ? StampSurvey{.t_min_ns = min, .t_max_ns = max}
                                 : SurveyOutliers({stamps.begin(), stamps.end()});
  survey.has_backward_step = backward;
  survey.has_repeat = repeat;
  return survey;
}

}  // namespace

absl::StatusOr<Stamps> Stamps::Regular(int64_t first_ns, int64_t last_ns, size_t count) {
  if (count == 0) return absl::InvalidArgumentError("a run of samples needs at least one");
  if (count == 1 && first_ns != last_ns) {
    return absl::InvalidArgumentError("the first and last stamp of a single sample differ");
  }
  Stamps stamps;
  stamps.regular_ = true;
  stamps.count_ = count;
  stamps.first_ns_ = first_ns;
  stamps.last_ns_ = last_ns;
  return stamps;
}

Stamps Stamps::Exact(std::vector<int64_t> stamps_ns) {
  Stamps stamps;
  stamps.count_ = stamps_ns.size();
  if (!stamps_ns.empty()) {
    stamps.first_ns_ = stamps_ns.front();
    stamps.last_ns_ = stamps_ns.back();
  }
  stamps.exact_ns_ = std::move(stamps_ns);
  return stamps;
}

int64_t Stamps::operator[](size_t i) const {
  if (!regular_) return exact_ns_[i];
  if (i == 0) return first_ns_;
  const Int128 span = Int128{last_ns_} - first_ns_;
  const auto steps = static_cast<Int128>(count_ - 1);
  // span * i may need more than 127 bits: whole steps and remainders apart.
  const Int128 step = FloorDivide(span, steps);
  const Int128 rest = span - step * steps;
  const auto index = static_cast<Int128>(i);
  return static_cast<int64_t>(first_ns_ + step * index + rest * index / steps);
}

std::vector<int64_t> Stamps::ToVector() const {
  if (!regular_) return exact_ns_;
  std::vector<int64_t> stamps(count_, first_ns_);
  if (count_ == 1) return stamps;
  const Int128 span = Int128{last_ns_} - first_ns_;
  const uint64_t steps = count_ - 1;
  const Int128 step = FloorDivide(span, steps);
  const auto rest = static_cast<uint64_t>(span - step * static_cast<Int128>(steps));
  // floor(i * span / steps) one step at a time: the remainder carries over without a division.
  // Partial sums wrap around and come out right, because every stamp fits.
  uint64_t stamp = static_cast<uint64_t>(first_ns_);
  uint64_t carry = 0;
  for (size_t i = 1; i < count_; ++i) {
    stamp += static_cast<uint64_t>(step);
    carry += rest;
    if (carry >= steps) {
      carry -= steps;
      ++stamp;
    }
    stamps[i] = static_cast<int64_t>(stamp);
  }
  return stamps;
}

StampSurvey SurveyStamps(const Stamps& stamps) {
  if (stamps.size() == 0) return {};
  return stamps.is_regular() ? SurveyRegular(stamps) : SurveyExact(stamps.exact());
}

}  // namespace tidemark::signal
