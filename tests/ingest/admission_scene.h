// Streams of one sender, one of each kind, and bodies for them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/ingest/chunk_builder.h"

namespace tidemark::ingest {

constexpr uint8_t kSampled = 1;
constexpr uint8_t kEncoded = 2;
constexpr uint8_t kRecords = 3;
constexpr uint8_t kStamped = 4;
constexpr uint8_t kForeign = 5;  // of another device
constexpr uint8_t kFloats = 6;

class AdmissionScene {
 public:
  absl::StatusOr<Decision> Try(v1::ChunkEnvelope envelope) const {
    return Admit(sender, std::move(envelope),
                 [this](StreamId stream, int32_t version) { return Find(stream, version); });
  }

  absl::StatusOr<FoundStream> Find(StreamId stream, int32_t version) const {
    for (const store::StreamInfo& info : streams_) {
      if (info.stream_id != stream) continue;
      const bool own = info.device_id == sender.device_id;
      if (version != 1) return FoundStream{nullptr, own};
      return FoundStream{std::make_shared<store::StreamInfo>(info), own};
    }
    return FoundStream{};
  }

  // The answer, if the writer finds nothing in the way.
  static Verdict VerdictOf(const Decision& decision) {
    if (const auto* verdict = std::get_if<Verdict>(&decision.what)) return *verdict;
    if (const auto* broken = std::get_if<SetAside>(&decision.what)) {
      return Verdict::Quarantined(broken->reason);
    }
    return Verdict::Stored();
  }

  const Sender sender = SenderOf(1);

 private:
  static std::vector<store::StreamInfo> MakeStreams(const Sender& sender) {
    store::StreamInfo stamped = StreamOf(sender, kStamped);
    stamped.stamped = true;
    store::StreamInfo floats = StreamOf(sender, kFloats);
    floats.channels.resize(1);
    floats.channels[0].type = signal::SampleType::kFloat64;
    return {StreamOf(sender, kSampled),
            StreamOf(sender, kEncoded, store::PayloadKind::kEncoded),
            StreamOf(sender, kRecords, store::PayloadKind::kRecords),
            stamped,
            StreamOf(SenderOf(9), kForeign),
            floats};
  }
  const std::vector<store::StreamInfo> streams_ = MakeStreams(sender);
};

inline v1::ChunkBody RecordsBody() {
  v1::ChunkBody body = SamplesBody(kRecords, 0);
  v1::Record& start = *body.mutable_records()->add_records();
  start.mutable_boot_start()->set_monotonic_ns(5);
  start.mutable_boot_start()->set_wall_ns(1'700'000'000'000'000'000);
  start.mutable_boot_start()->set_zone("Europe/Berlin");
  v1::ClockPair& pair = *body.mutable_records()->add_records()->mutable_clock_pair();
  pair.set_clock_id(3);
  pair.set_sensor_ns(100);
  pair.set_monotonic_ns(7);
  pair.set_utc_offset_s(-3600);
  body.mutable_records()->add_records()->mutable_probe()->set_t2_server_ns(42);
  return body;
}

inline v1::ChunkBody EncodedBody() {
  v1::ChunkBody body = SamplesBody(kEncoded, 0);
  body.mutable_encoded()->set_begin_device_ns(10);
  body.mutable_encoded()->set_end_device_ns(1'000'000'010);
  body.mutable_encoded()->set_data("not a film");
  return body;
}

inline v1::ChunkBody StampedBody(const std::vector<int64_t>& stamps) {
  v1::ChunkBody body = SamplesBody(kStamped, 0, static_cast<uint32_t>(stamps.size()));
  std::string raw;
  for (const int64_t stamp : stamps) AppendLe(raw, stamp);
  body.mutable_samples()->set_exact_device_ns(raw);
  return body;
}

}  // namespace tidemark::ingest
