// Arrays as libpqxx sends them: as text.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

namespace tidemark::study {

// Of numbers, or of texts without quotes, commas or braces, such as ids.
template <class Range>
std::string PgArray(const Range& values) {
  return fmt::format("{{{}}}", fmt::join(values, ","));
}

}  // namespace tidemark::study
