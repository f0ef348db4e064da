#include "cli/import/numbers.h"

#include <algorithm>

#include "core/signal/int128.h"

namespace tidemark::cli {
namespace {

constexpr signal::Int128 kMagnitudeMax = signal::Int128{1} << 63;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Splits "12.5e3" into its parts; digits_after is how many digits stood behind the point.
struct Decimal {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  int exponent = 0;
};

std::string_view TakeDigits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), IsDigit);
  const auto digits = text.substr(0, static_cast<size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

std::optional<Decimal> Split(std::string_view text) {
  Decimal decimal;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    decimal.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  decimal.whole = TakeDigits(text);
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    decimal.fraction = TakeDigits(text);
  }
  if (decimal.whole.empty() && decimal.fraction.empty()) return std::nullopt;
  if (!text.empty() && (text[0] == 'e' || text[0] == 'E')) {
    const auto exponent = ParseNumber<int>(text.substr(1));
    // Beyond this no number that fits has its last digit.
    if (!exponent || *exponent < -400 || *exponent > 400) return std::nullopt;
    decimal.exponent = *exponent;
    text = {};
  }
  if (!text.empty()) return std::nullopt;
  return decimal;
}

}  // namespace

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<float> ParseExactFloat(std::string_view text) {
  const auto value = ParseNumber<double>(text);
  if (!value) return std::nullopt;
  const float narrow = static_cast<float>(*value);
  const bool same = static_cast<double>(narrow) == *value || *value != *value;
  return same ? std::optional(narrow) : std::nullopt;
}

std::optional<int64_t> ParseScaledDecimal(std::string_view text, int digits) {
  const auto decimal = Split(Trim(text));
  if (!decimal) return std::nullopt;
  // How many digits of "whole ‖ fraction", padded with zeros, stand before the scaled point.
  const int keep = static_cast<int>(decimal->whole.size()) + decimal->exponent + digits;
  signal::Int128 magnitude = 0;
  for (int i = 0; i < keep; ++i) {
    const auto at = static_cast<size_t>(i);
    const size_t in_fraction = at - decimal->whole.size();
    const char c = at < decimal->whole.size()               ? decimal->whole[at]
                   : in_fraction < decimal->fraction.size() ? decimal->fraction[in_fraction]
                                                            : '0';
    magnitude = magnitude * 10 + (c - '0');
    if (magnitude > kMagnitudeMax) return std::nullopt;
  }
  if (!decimal->negative && magnitude == kMagnitudeMax) return std::nullopt;
  return static_cast<int64_t>(decimal->negative ? -magnitude : magnitude);
}

}  // namespace tidemark::cli
