// Numbers in text files, read exactly or not at all.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace tidemark::cli {

// The text without blanks and tabs around it.
std::string_view Trim(std::string_view text);

// The whole of `text` as a T ('.' is the decimal point); nothing if it is not one or T cannot hold
// it. Floats are the nearest T and may be "nan" or "inf"; integers take no decimal point.
template <class T>
std::optional<T> ParseNumber(std::string_view text) {
  text = Trim(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// A float that was printed as a double: nothing unless the text is exactly some float, so that
// reading it loses nothing.
std::optional<float> ParseExactFloat(std::string_view text);

// The decimal number `text` times 10^digits, computed in integers; digits beyond are cut off. A
// time in seconds with digits = 9 is exact in nanoseconds. Exponents are understood. Nothing if
// `text` is not a finite decimal number or the result does not fit.
std::optional<int64_t> ParseScaledDecimal(std::string_view text, int digits);

}  // namespace tidemark::cli
