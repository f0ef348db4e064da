#include "study/fields.h"

#include <algorithm>

namespace tidemark::study {
namespace {

constexpr size_t kNameBytesMax = 64;
constexpr int64_t kUsPerSecond = 1'000'000;

bool HasNameSize(std::string_view text) { return !text.empty() && text.size() <= kNameBytesMax; }

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

}  // namespace

absl::Status CheckName(std::string field, std::string_view text) {
  if (HasNameSize(text) && std::all_of(text.begin(), text.end(), IsNameByte)) {
    return absl::OkStatus();
  }
  return rpc::FieldError(std::move(field), "has 1 to 64 bytes of letters, digits, '-' and '_'");
}

absl::Status CheckLabel(std::string field, std::string_view text) {
  if (HasNameSize(text) && std::none_of(text.begin(), text.end(), IsControl)) {
    return absl::OkStatus();
  }
  return rpc::FieldError(std::move(field), "has 1 to 64 bytes without control characters");
}

google::protobuf::Timestamp TimestampOfUs(int64_t unix_us) {
  google::protobuf::Timestamp timestamp;
  int64_t seconds = unix_us / kUsPerSecond;
  int64_t rest_us = unix_us % kUsPerSecond;
  if (rest_us < 0) {
    rest_us += kUsPerSecond;
    --seconds;
  }
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<int32_t>(rest_us * 1000));
  return timestamp;
}

}  // namespace tidemark::study
