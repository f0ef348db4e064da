// Rules of request fields that several methods share.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/rpc/reason.h"

namespace tidemark::study {

// An id in its canonical text; FieldError otherwise.
template <class IdType>
absl::StatusOr<IdType> ParseId(std::string field, std::string_view text) {
  auto id = IdType::Parse(text);
  if (!id.ok()) return rpc::FieldError(std::move(field), "is the canonical text of a UUID");
  return *id;
}

// 1 to 64 bytes of letters, digits, '-' and '_': names of studies and codes of participants.
absl::Status CheckName(std::string field, std::string_view text);

// 1 to 64 bytes without control characters: how people call something.
absl::Status CheckLabel(std::string field, std::string_view text);

// Times of the server are kept to the microsecond, as PostgreSQL does.
inline constexpr int64_t kNsPerUs = 1'000;
inline int64_t NowUs(const Clock& clock) { return absl::ToUnixMicros(clock.Now()); }
google::protobuf::Timestamp TimestampOfUs(int64_t unix_us);

}  // namespace tidemark::study
