// Bodies and envelopes for tests: acceptable as they come, changed field by field.
#pragma once

#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/endian.h"
#include "base/ids.h"
#include "ingest/admission.h"
#include "store/stream_info.h"
#include "tidemark/v1/chunk.pb.h"

namespace tidemark::ingest {

// Ids that read the same in every test.
inline Uuid UuidOf(uint8_t kind, uint8_t n) {
  Uuid uuid;
  uuid.bytes[0] = kind;
  uuid.bytes[15] = n;
  return uuid;
}

inline Sender SenderOf(uint8_t n) {
  return {StudyId{UuidOf(1, 1)}, ParticipantId{UuidOf(2, n)}, DeviceId{UuidOf(3, n)}};
}

// A stream of `sender`, two channels of int16, regular at 100 Hz.
inline store::StreamInfo StreamOf(const Sender& sender, uint8_t n,
                                  store::PayloadKind kind = store::PayloadKind::kSamples) {
  store::StreamInfo info;
  info.participant_id = sender.participant_id;
  info.study_id = sender.study_id;
  info.device_id = sender.device_id;
  info.stream_id = StreamId{UuidOf(4, n)};
  info.version = 1;
  info.kind = kind;
  info.period_ns = 10'000'000;
  if (kind == store::PayloadKind::kSamples) info.channels.resize(2);
  return info;
}

// `count` samples of a StreamOf().
inline v1::ChunkBody SamplesBody(uint8_t stream, uint64_t number, uint32_t count = 100) {
  v1::ChunkBody body;
  body.set_version(1);
  body.set_stream_id(std::string(UuidOf(4, stream).AsBytes()));
  body.set_stream_version(1);
  body.set_writer_id(std::string(UuidOf(5, 1).AsBytes()));
  body.set_number(number);
  body.set_boot_id(std::string(UuidOf(6, 1).AsBytes()));
  v1::Samples& samples = *body.mutable_samples();
  samples.set_first_counter(number * count);
  samples.set_count(count);
  for (uint32_t i = 0; i < 2 * count; ++i) {
    AppendLe(*samples.mutable_values(), static_cast<int16_t>(i * 7 + number));
  }
  // Extreme numbers wrap around: any stamp will do for them.
  const auto first = static_cast<int64_t>(number * 1'000'000'000);
  samples.mutable_regular()->set_first_device_ns(first);
  samples.mutable_regular()->set_last_device_ns(first + 10'000'000LL * (count - 1));
  return body;
}

inline v1::ChunkEnvelope EnvelopeOf(std::string_view body) {
  v1::ChunkEnvelope envelope;
  envelope.set_compression(v1::COMPRESSION_NONE);
  envelope.set_uncompressed_size(static_cast<uint32_t>(body.size()));
  envelope.set_sha256(std::string(AsView(Sha256(body))));
  envelope.set_body(std::string(body));
  return envelope;
}
inline v1::ChunkEnvelope EnvelopeOf(const v1::ChunkBody& body) {
  return EnvelopeOf(body.SerializeAsString());
}

}  // namespace tidemark::ingest
