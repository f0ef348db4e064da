// How much may be set aside.
#pragma once

#include <cstdint>

namespace tidemark::ingest {

// The defaults hold some days of everything that a watch with a broken app sends; the count binds
// only where chunks are smaller than 16 KiB on average.
struct QuarantineQuotas {
  int64_t device_bytes_max = int64_t{256} << 20;
  int64_t device_chunks_max = 16'384;
  int64_t study_bytes_max = int64_t{4} << 30;
};

// How long a device waits when its quarantine is full: until a person has looked.
inline constexpr uint32_t kQuarantineFullRetryMs = 10 * 60 * 1'000;

// What one device holds.
struct QuarantineUsage {
  int64_t bytes = 0;
  int64_t chunks = 0;
};

inline bool HasRoom(const QuarantineQuotas& quotas, const QuarantineUsage& device,
                    int64_t study_bytes, int64_t body_bytes) {
  return device.bytes + body_bytes <= quotas.device_bytes_max &&
         device.chunks < quotas.device_chunks_max &&
         study_bytes + body_bytes <= quotas.study_bytes_max;
}

}  // namespace tidemark::ingest
