// What admission hands to the writer: chunks to store, bodies to set aside, and answers.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/crypto.h"
#include "base/ids.h"
#include "ingest/wire_limits.h"
#include "store/chunk_row.h"
#include "store/segment.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::ingest {

// The device that sent it, as its credential proves.
struct Sender {
  StudyId study_id;
  ParticipantId participant_id;
  DeviceId device_id;
};

// Names a chunk within its participant.
struct ChunkKey {
  StreamId stream_id;
  WriterId writer_id;
  int64_t number = 0;  // below kNumberEnd

  friend auto operator<=>(const ChunkKey&, const ChunkKey&) = default;
};

// One receipt's content, apart from whose chunk it is.
struct Verdict {
  v1::Outcome outcome = v1::OUTCOME_UNSPECIFIED;
  v1::DeviceAction action = v1::DEVICE_ACTION_UNSPECIFIED;
  v1::ReceiptReason reason = v1::RECEIPT_REASON_UNSPECIFIED;
  uint32_t retry_after_ms = 0;

  static Verdict Stored() { return {v1::OUTCOME_STORED, v1::DEVICE_ACTION_MAY_DELETE}; }
  static Verdict Duplicate() { return {v1::OUTCOME_DUPLICATE, v1::DEVICE_ACTION_MAY_DELETE}; }
  static Verdict Quarantined(v1::ReceiptReason reason) {
    return {v1::OUTCOME_QUARANTINED, v1::DEVICE_ACTION_MAY_DELETE, reason};
  }
  static Verdict Damaged(v1::ReceiptReason reason) {
    return {v1::OUTCOME_DAMAGED, v1::DEVICE_ACTION_RESEND, reason};
  }
  static Verdict KeepAndReport(v1::ReceiptReason reason) {
    return {v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_KEEP_AND_REPORT, reason};
  }
  static Verdict RetryAfter(v1::ReceiptReason reason, uint32_t retry_after_ms) {
    return {v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_RETRY_AFTER, reason, retry_after_ms};
  }
  static Verdict StopAndDelete(v1::ReceiptReason reason) {
    return {v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_STOP_AND_DELETE, reason};
  }
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

// A row of clock_pair.
struct ClockReading {
  int32_t entry = 0;  // place within the chunk
  int32_t clock_id = 0;
  bool is_boot_start = false;
  int64_t sensor_ns = 0;
  int64_t monotonic_ns = 0;
  int64_t wall_ns = 0;
  int32_t utc_offset_s = 0;
};

// A row of probe.
struct ProbeReading {
  int32_t entry = 0;
  int64_t t1_device_ns = 0;
  int64_t t2_server_ns = 0;
  int64_t t3_server_ns = 0;
  int64_t t4_device_ns = 0;
};

// A chunk to be stored, and what hangs on it.
struct AdmittedChunk {
  store::ChunkRow row;  // but for the segment and the time of arrival, which the writer gives
  store::SegmentSlot slot;
  std::string tiles;  // signal::EncodeBuckets, empty without samples
  std::vector<ClockReading> clock_readings;
  std::vector<ProbeReading> probes;
  // Of the participant, by which it was admitted. Where there are others by the time it is written,
  // it has to be judged anew.
  int64_t erased_ranges_known = 0;
};

// A body that names its chunk but cannot be stored as it is.
struct SetAside {
  v1::ReceiptReason reason = v1::RECEIPT_REASON_UNSPECIFIED;
  std::string detail;  // the rule that was broken, for people
};

// A body that must not be kept. It settles its number, once that is committed, and leaves nothing
// else.
struct Refusal {
  v1::ReceiptReason reason = v1::RECEIPT_REASON_UNSPECIFIED;
};

// What admission says of one envelope.
struct Decision {
  std::string sha256;  // as the envelope declares it; 32 bytes unless the answer is a refusal
  std::optional<ChunkKey> key;  // absent when the body could not be read
  std::string body;             // uncompressed; empty with a Verdict or a Refusal
  // To be answered at once, to be set aside, to be stored, or to be refused for good.
  std::variant<Verdict, SetAside, AdmittedChunk, Refusal> what;
};

}  // namespace tidemark::ingest
