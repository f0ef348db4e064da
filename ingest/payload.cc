#include "ingest/payload.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "core/signal/codec.h"
#include "core/signal/int128.h"
#include "core/signal/stamps.h"
#include "core/signal/tiles.h"
#include "store/body.h"

namespace tidemark::ingest {
namespace {

using signal::Int128;
using signal::Stamps;

constexpr int64_t kSpanNsMax = 3'600'000'000'000;
constexpr int64_t kUtcOffsetSMax = 86'400;
constexpr size_t kTextBytesMax = 64;

SetAside Kind(std::string detail) { return {v1::RECEIPT_REASON_PAYLOAD_KIND, std::move(detail)}; }
SetAside Size(std::string detail) { return {v1::RECEIPT_REASON_PAYLOAD_SIZE, std::move(detail)}; }
SetAside Range(std::string detail) { return {v1::RECEIPT_REASON_FIELD_RANGE, std::move(detail)}; }

// Whole bodies take more room but lose nothing, whatever their serialization.
void StoreWhole(std::string_view raw, AdmittedChunk& chunk) {
  chunk.slot = {store::SlotForm::kBody, store::CompressBody(raw)};
}

// Samples -----------------------------------------------------------------------------------------

std::optional<SetAside> CheckSizes(const store::StreamInfo& stream, const v1::Samples& samples) {
  const size_t count = samples.count();
  if (count == 0 || count > kSamplesPerChunkMax) {
    return Size(fmt::format("samples.count is 1 to {}", kSamplesPerChunkMax));
  }
  const size_t bytes = count * signal::BytesOf(stream.channel_types());
  if (samples.values().size() != bytes) {
    return Size(fmt::format("samples.values has {} bytes: {} samples of {} channels", bytes, count,
                            stream.channels.size()));
  }
  if (samples.has_regular()) return std::nullopt;
  if (samples.exact_device_ns().size() != count * sizeof(int64_t)) {
    return Size(
        fmt::format("samples.exact_device_ns has {} bytes: 8 per sample", count * sizeof(int64_t)));
  }
  return std::nullopt;
}

std::optional<SetAside> CheckSampleRanges(const v1::Samples& samples) {
  if (samples.first_counter() >= static_cast<uint64_t>(kNumberEnd)) {
    return Range("samples.first_counter is below 2^62");
  }
  if (!samples.has_regular()) return std::nullopt;
  const v1::RegularStamps& ends = samples.regular();
  if (ends.last_device_ns() < ends.first_device_ns()) {
    return Range("samples.regular.last_device_ns is not before first_device_ns");
  }
  if (samples.count() == 1 && ends.last_device_ns() != ends.first_device_ns()) {
    return Range("samples.regular has equal ends for one sample");
  }
  return std::nullopt;
}

Stamps StampsOf(const v1::Samples& samples) {
  if (samples.has_regular()) {
    // Cannot fail: CheckSizes and CheckSampleRanges have seen count and ends.
    return *Stamps::Regular(samples.regular().first_device_ns(), samples.regular().last_device_ns(),
                            samples.count());
  }
  std::vector<int64_t> stamps(samples.count());
  std::memcpy(stamps.data(), samples.exact_device_ns().data(), samples.exact_device_ns().size());
  return Stamps::Exact(std::move(stamps));
}

std::optional<SetAside> FillTimes(const Stamps& stamps, store::ChunkRow& row) {
  const signal::StampSurvey survey = signal::SurveyStamps(stamps);
  if (survey.outliers * 2 > stamps.size()) {
    return SetAside{v1::RECEIPT_REASON_STAMPS_SCATTERED,
                    fmt::format("{} of {} stamps lie further than 30 minutes from the median",
                                survey.outliers, stamps.size())};
  }
  // Plausible stamps never span more. Regular ones are nothing but their span: a part of them
  // would be found at the wrong time.
  if (stamps.is_regular() && Int128{stamps.last_ns()} - stamps.first_ns() > kSpanNsMax) {
    return SetAside{v1::RECEIPT_REASON_SPAN_TOO_LONG, "regular stamps span at most one hour"};
  }
  row.t_min_ns = survey.t_min_ns;
  row.t_max_ns = survey.t_max_ns;
  row.outlier_stamps = static_cast<int32_t>(survey.outliers);
  row.flags = (survey.has_repeat ? store::kFlagRepeatedStamp : 0) |
              (survey.has_backward_step ? store::kFlagBackwardStamp : 0);
  return std::nullopt;
}

std::optional<SetAside> EncodeSamples(const store::StreamInfo& stream, std::string_view raw,
                                      v1::Samples& samples, AdmittedChunk& chunk) {
  if (samples.stamps_case() == v1::Samples::STAMPS_NOT_SET) return Kind("samples have stamps");
  if (samples.has_regular() == stream.stamped) {
    return Kind(stream.stamped ? "the stream declares a stamp per sample"
                               : "the stream declares regular stamps");
  }
  if (auto broken = CheckSizes(stream, samples)) return broken;
  if (auto broken = CheckSampleRanges(samples)) return broken;

  signal::Block block{StampsOf(samples), std::move(*samples.mutable_values())};
  chunk.row.first_counter = static_cast<int64_t>(samples.first_counter());
  chunk.row.sample_count = static_cast<int32_t>(samples.count());
  if (auto broken = FillTimes(block.stamps, chunk.row)) return broken;

  const std::vector<signal::SampleType> types = stream.channel_types();
  if (store::RebuildBody(chunk.row, block) == raw) {
    chunk.slot = {store::SlotForm::kBlock, signal::EncodeBlock(types, block.stamps, block.values)};
  } else {
    StoreWhole(raw, chunk);
  }
  chunk.tiles =
      signal::EncodeBuckets(types, signal::MakeBuckets(types, block.stamps, block.values,
                                                       signal::GapThresholdNs(stream.period_ns)));
  return std::nullopt;
}

// Encoded segments --------------------------------------------------------------------------------

std::optional<SetAside> EncodeSegment(std::string_view raw, const v1::Encoded& encoded,
                                      AdmittedChunk& chunk) {
  if (encoded.data().empty()) return Size("encoded.data has at least one byte");
  const int64_t begin_ns = encoded.begin_device_ns();
  const int64_t end_ns = encoded.end_device_ns();
  if (begin_ns >= end_ns) return Range("encoded.begin_device_ns is before end_device_ns");
  if (static_cast<Int128>(end_ns) - begin_ns > kSpanNsMax) {
    return SetAside{v1::RECEIPT_REASON_SPAN_TOO_LONG, "an encoded segment spans at most one hour"};
  }
  chunk.row.sample_count = 1;
  chunk.row.t_min_ns = begin_ns;
  chunk.row.t_max_ns = end_ns - 1;
  StoreWhole(raw, chunk);
  return std::nullopt;
}

// Records -----------------------------------------------------------------------------------------

bool IsZoneRange(int32_t utc_offset_s, const std::string& zone) {
  return utc_offset_s >= -kUtcOffsetSMax && utc_offset_s <= kUtcOffsetSMax &&
         zone.size() <= kTextBytesMax;
}

std::optional<SetAside> TakeBootStart(const v1::BootStart& start, int32_t entry,
                                      AdmittedChunk& chunk) {
  if (!IsZoneRange(start.utc_offset_s(), start.zone()) ||
      start.app_version().size() > kTextBytesMax || start.system_version().size() > kTextBytesMax) {
    return Range(
        fmt::format("records[{}].boot_start: utc_offset_s within a day, texts of at most "
                    "64 bytes",
                    entry));
  }
  chunk.clock_readings.push_back({.entry = entry,
                                  .clock_id = 0,
                                  .is_boot_start = true,
                                  .sensor_ns = start.monotonic_ns(),
                                  .monotonic_ns = start.monotonic_ns(),
                                  .wall_ns = start.wall_ns(),
                                  .utc_offset_s = start.utc_offset_s()});
  return std::nullopt;
}

std::optional<SetAside> TakeClockPair(const v1::ClockPair& pair, int32_t entry,
                                      AdmittedChunk& chunk) {
  if (pair.clock_id() >= kClockIdEnd || !IsZoneRange(pair.utc_offset_s(), pair.zone())) {
    return Range(
        fmt::format("records[{}].clock_pair: clock_id below 65536, utc_offset_s within a "
                    "day, zone of at most 64 bytes",
                    entry));
  }
  chunk.clock_readings.push_back({.entry = entry,
                                  .clock_id = static_cast<int32_t>(pair.clock_id()),
                                  .is_boot_start = false,
                                  .sensor_ns = pair.sensor_ns(),
                                  .monotonic_ns = pair.monotonic_ns(),
                                  .wall_ns = pair.wall_ns(),
                                  .utc_offset_s = pair.utc_offset_s()});
  return std::nullopt;
}

std::optional<SetAside> TakeRecord(const v1::Record& record, int32_t entry, AdmittedChunk& chunk) {
  switch (record.kind_case()) {
    case v1::Record::kBootStart:
      return TakeBootStart(record.boot_start(), entry, chunk);
    case v1::Record::kClockPair:
      return TakeClockPair(record.clock_pair(), entry, chunk);
    case v1::Record::kProbe: {
      const v1::Probe& probe = record.probe();
      chunk.probes.push_back({entry, probe.t1_device_ns(), probe.t2_server_ns(),
                              probe.t3_server_ns(), probe.t4_device_ns()});
      return std::nullopt;
    }
    case v1::Record::KIND_NOT_SET:
      break;
  }
  return Kind(fmt::format("records[{}] has a kind", entry));
}

int64_t DeviceTimeOf(const v1::Record& record) {
  if (record.has_boot_start()) return record.boot_start().monotonic_ns();
  if (record.has_clock_pair()) return record.clock_pair().monotonic_ns();
  return record.probe().t1_device_ns();
}

std::optional<SetAside> EncodeRecords(std::string_view raw, const v1::Records& records,
                                      AdmittedChunk& chunk) {
  const int count = records.records_size();
  if (count == 0 || count > kRecordsPerChunkMax) {
    return Size(fmt::format("records has 1 to {} entries", kRecordsPerChunkMax));
  }
  for (int i = 0; i < count; ++i) {
    if (auto broken = TakeRecord(records.records(i), i, chunk)) return broken;
  }
  chunk.row.sample_count = count;
  // Records are found by the tables they fill, never by time: a day of clock pairs in one chunk
  // must not stretch the index over time, so the chunk stands where its first entry does.
  chunk.row.t_min_ns = chunk.row.t_max_ns = DeviceTimeOf(records.records(0));
  StoreWhole(raw, chunk);
  return std::nullopt;
}

}  // namespace

std::optional<SetAside> EncodePayload(const store::StreamInfo& stream, std::string_view raw,
                                      v1::ChunkBody& body, AdmittedChunk& chunk) {
  chunk.row.kind = stream.kind;
  switch (stream.kind) {
    case store::PayloadKind::kSamples:
      if (!body.has_samples()) break;
      return EncodeSamples(stream, raw, *body.mutable_samples(), chunk);
    case store::PayloadKind::kEncoded:
      if (!body.has_encoded()) break;
      return EncodeSegment(raw, body.encoded(), chunk);
    case store::PayloadKind::kRecords:
      if (!body.has_records()) break;
      return EncodeRecords(raw, body.records(), chunk);
  }
  return Kind("the payload is of the kind that the stream declares");
}

}  // namespace tidemark::ingest
