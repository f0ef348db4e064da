// 128-bit integers, for products and differences of time stamps that any int64 may form.
#pragma once

namespace tidemark::signal {

__extension__ using Int128 = __int128;
__extension__ using UInt128 = unsigned __int128;

// The largest integer <= numerator / denominator; denominator > 0.
constexpr Int128 FloorDivide(Int128 numerator, Int128 denominator) {
  const Int128 quotient = numerator / denominator;
  return numerator % denominator < 0 ? quotient - 1 : quotient;
}

}  // namespace tidemark::signal
