// Values as libpqxx sends them: as text.
#pragma once

#include <string>

#include "absl/time/time.h"

namespace tidemark::ingest {

// A timestamptz, to the microsecond.
inline std::string TimestampText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%E6S+00", time, absl::UTCTimeZone());
}

}  // namespace tidemark::ingest
