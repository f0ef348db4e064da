// A sheet of enrolment codes to print and cut: a QR code and its text for every participant.
#pragma once

#include <span>
#include <string>

#include "absl/status/statusor.h"

namespace tidemark::cli {

struct CodeLabel {
  std::string participant;  // code of the participant
  std::string device;
  std::string code;  // what the QR code holds, as it is
  std::string expires;
};

// One SVG picture, 210 mm wide, three labels in a row, error correction M.
//   INVALID_ARGUMENT  a code is too long for a QR code
absl::StatusOr<std::string> QrSheet(std::span<const CodeLabel> labels);

}  // namespace tidemark::cli
