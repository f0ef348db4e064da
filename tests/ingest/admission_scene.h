// Streams of one sender, one of each kind, and bodies for them.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/ingest/chunk_builder.h"
#include "tidemark/v1/stream.pb.h"

namespace tidemark::ingest {

constexpr uint8_t kSampled = 1;
constexpr uint8_t kEncoded = 2;
constexpr uint8_t kRecords = 3;
constexpr uint8_t kStamped = 4;
constexpr uint8_t kForeign = 5;  // of another device
constexpr uint8_t kFloats = 6;

// What a participant agreed to who agreed to everything, for ever.
inline std::vector<store::ConsentDecision> ConsentToEverything() {
  std::vector<store::ConsentDecision> decisions;
  for (int kind = v1::DATA_KIND_UNSPECIFIED + 1; kind < v1::DataKind_ARRAYSIZE; ++kind) {
    decisions.push_back({.kind = static_cast<v1::DataKind>(kind),
                         .version = 1,
                         .granted = true,
                         .from_ns = std::numeric_limits<int64_t>::min(),
                         .until_ns = std::nullopt});
  }
  return decisions;
}

class AdmissionScene : public AdmissionSource {
 public:
  absl::StatusOr<Decision> Try(v1::ChunkEnvelope envelope) {
    return Admit(sender, std::move(envelope), *this);
  }

  absl::StatusOr<FoundStream> FindStream(StreamId stream, int32_t version) override {
    if (!broken.ok()) return broken;
    for (const store::StreamInfo& info : streams_) {
      if (info.stream_id != stream) continue;
      const auto found = std::make_shared<store::StreamInfo>(info);
      const auto own = info.device_id == sender.device_id ? found : nullptr;
      return FoundStream{version == 1 ? found : nullptr, own};
    }
    return FoundStream{};
  }
  absl::StatusOr<std::shared_ptr<const store::ConsentTimeline>> FindConsent() override {
    if (!consent_broken.ok()) return consent_broken;
    if (is_gone) return std::shared_ptr<const store::ConsentTimeline>();
    return std::make_shared<const store::ConsentTimeline>(decisions, erased);
  }
  absl::StatusOr<std::optional<store::Placement>> FindPlacement(BootId boot,
                                                                uint32_t clock_id) override {
    ++placements_asked;
    if (!placement_broken.ok()) return placement_broken;
    if (!study_of_zero_ns) return std::optional<store::Placement>();
    store::Placement placement;
    placement.boot_id = boot;
    placement.clock_id = clock_id;
    placement.anchor_study_ns = *study_of_zero_ns;
    return std::optional(placement);
  }
  absl::Time Now() const override { return now; }

  // The answer, if the writer finds nothing in the way.
  static Verdict VerdictOf(const Decision& decision) {
    if (const auto* verdict = std::get_if<Verdict>(&decision.what)) return *verdict;
    if (const auto* broken = std::get_if<SetAside>(&decision.what)) {
      return Verdict::Quarantined(broken->reason);
    }
    if (const auto* refusal = std::get_if<Refusal>(&decision.what)) {
      return Verdict::StopAndDelete(refusal->reason);
    }
    return Verdict::Stored();
  }

  const Sender sender = SenderOf(1);
  const absl::Time now = absl::FromUnixSeconds(1'790'000'000);
  std::vector<store::ConsentDecision> decisions = ConsentToEverything();
  std::vector<store::ErasedRange> erased;
  bool is_gone = false;                     // the participant was erased
  std::optional<int64_t> study_of_zero_ns;  // of every boot; nothing: no clock pair has come
  int placements_asked = 0;
  absl::Status broken, consent_broken, placement_broken;

 private:
  static std::vector<store::StreamInfo> MakeStreams(const Sender& sender) {
    store::StreamInfo stamped = StreamOf(sender, kStamped);
    stamped.stamped = true;
    store::StreamInfo floats = StreamOf(sender, kFloats);
    floats.channels.resize(1);
    floats.channels[0].type = signal::SampleType::kFloat64;
    store::StreamInfo records = StreamOf(sender, kRecords, store::PayloadKind::kRecords);
    records.modality = v1::MODALITY_RECORDS;
    store::StreamInfo encoded = StreamOf(sender, kEncoded, store::PayloadKind::kEncoded);
    encoded.modality = v1::MODALITY_ENCODED_VIDEO;
    return {StreamOf(sender, kSampled),      encoded, records, stamped,
            StreamOf(SenderOf(9), kForeign), floats};
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
