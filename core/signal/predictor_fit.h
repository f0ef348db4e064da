// Finds predictors for a channel.
#pragma once

#include <cstdint>
#include <span>

#include "core/signal/predictor.h"

namespace tidemark::signal {

// Predictors that leave small residuals: a book of up to kPredictorsMax, as large as pays for
// itself. What it gives may differ between machines by the rounding of floating point; what is
// coded with it is exact on all.
template <class Int>
Predictors FitPredictors(std::span<const Int> values);

// About how many bits per value a coder spends on each predictor of a book.
inline constexpr double kCoefficientBits = 13;

}  // namespace tidemark::signal
