// Counts as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace tidemark {

// "1,234,567".
inline std::string FormatCount(uint64_t count) {
  std::string text = std::to_string(count);
  for (size_t i = text.size(); i > 3;) {
    i -= 3;
    text.insert(i, 1, ',');
  }
  return text;
}

}  // namespace tidemark
