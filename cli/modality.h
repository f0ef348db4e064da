// Short names of modalities, as people read them.
#pragma once

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "tidemark/v1/stream.pb.h"

namespace tidemark::cli {

// MODALITY_HEART_RATE -> "heart_rate".
inline std::string ModalityName(v1::Modality modality) {
  constexpr std::string_view kPrefix = "MODALITY_";
  std::string name = v1::Modality_Name(modality);
  if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

}  // namespace tidemark::cli
