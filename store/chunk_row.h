// One row of the table `chunk`: what a stored chunk is, and where its payload lies.
#pragma once

#include <cstdint>

#include "base/crypto.h"
#include "base/ids.h"
#include "store/stream_info.h"

namespace tidemark::store {

// Bits of chunk.flags. Never reuse one.
inline constexpr int32_t kFlagRepeatedStamp = 1;
inline constexpr int32_t kFlagBackwardStamp = 2;
// Lies in a range that was erased. Readers say so and look for nothing else; the row stays to tell
// what there was and when (docs/adr/0016).
inline constexpr int32_t kFlagErased = 4;

// The fields are the columns, in the order of the table.
struct ChunkRow {
  ParticipantId participant_id;
  StreamId stream_id;
  WriterId writer_id;
  int64_t number = 0;
  StudyId study_id;
  DeviceId device_id;
  Sha256Digest sha256{};  // of the body as it was sent
  int32_t stream_version = 0;
  PayloadKind kind = PayloadKind::kSamples;
  BootId boot_id;
  int32_t clock_id = 0;
  int64_t first_counter = 0;
  int32_t sample_count = 0;  // samples, 1 for an encoded segment, or records
  int32_t body_bytes = 0;    // of the uncompressed body as it was sent
  int32_t flags = 0;         // kFlag...
  int32_t outlier_stamps = 0;
  int64_t t_min_ns = 0;  // device time, of the plausible stamps
  int64_t t_max_ns = 0;
  SegmentId segment_id;
  int16_t segment_slot = 0;
  int64_t arrived_at_us = 0;

  bool is_erased() const { return (flags & kFlagErased) != 0; }
};

}  // namespace tidemark::store
