#include "tests/bench/prepared_chunks.h"

#include <utility>

#include "base/crypto.h"
#include "tidemark/v1/ingest.pb.h"

namespace tidemark::bench {
namespace {

constexpr int64_t kPeriodNs = 10'000'000;
constexpr int64_t kTooLongNs = 2 * 3'600'000'000'000;

}  // namespace

v1::ChunkBody ChunkMaker::Body(uint64_t number, uint64_t shift) const {
  const uint64_t first = number * shape_.samples;
  v1::ChunkBody body;
  body.set_version(1);
  body.set_stream_id(std::string(stream_id_.AsBytes()));
  body.set_stream_version(1);
  body.set_writer_id(std::string(writer_id_.AsBytes()));
  body.set_number(number);
  body.set_boot_id(std::string(boot_id_.AsBytes()));
  v1::Samples& samples = *body.mutable_samples();
  samples.set_first_counter(first);
  samples.set_count(shape_.samples);
  const auto begin_ns = static_cast<int64_t>(first) * kPeriodNs;
  samples.mutable_regular()->set_first_device_ns(begin_ns);
  samples.mutable_regular()->set_last_device_ns(begin_ns + (shape_.samples - 1) * kPeriodNs);
  samples.mutable_values()->reserve(shape_.samples * shape_.channels * sizeof(int16_t));
  for (size_t channel = 0; channel < shape_.channels; ++channel) {
    values_->Append(*samples.mutable_values(), channel, begin_ + shift + first, shape_.samples);
  }
  return body;
}

v1::ChunkEnvelope ChunkMaker::NextSpanningTooMuch() {
  v1::ChunkBody body = Body(number_++, 0);
  v1::RegularStamps& stamps = *body.mutable_samples()->mutable_regular();
  stamps.set_last_device_ns(stamps.first_device_ns() + kTooLongNs);
  return Seal(body);
}

v1::ChunkEnvelope ChunkMaker::Seal(const v1::ChunkBody& body) {
  v1::ChunkEnvelope envelope;
  envelope.set_body(body.SerializeAsString());
  envelope.set_compression(v1::COMPRESSION_NONE);
  envelope.set_uncompressed_size(static_cast<uint32_t>(envelope.body().size()));
  envelope.set_sha256(std::string(AsView(Sha256(envelope.body()))));
  return envelope;
}

PreparedMessage Prepare(std::vector<v1::ChunkEnvelope> envelopes, uint64_t first_number) {
  PreparedMessage message;
  message.first_number = first_number;
  message.chunks = static_cast<uint32_t>(envelopes.size());
  v1::UploadRequest request;
  for (v1::ChunkEnvelope& envelope : envelopes) {
    message.body_bytes += envelope.body().size();
    *request.mutable_chunks()->add_envelopes() = std::move(envelope);
  }
  const grpc::Slice slice(request.SerializeAsString());
  message.bytes = grpc::ByteBuffer(&slice, 1);
  return message;
}

std::vector<PreparedMessage> PrepareMessages(ChunkMaker& maker, int messages, int chunks) {
  std::vector<PreparedMessage> made;
  for (int i = 0; i < messages; ++i) {
    const uint64_t first_number = maker.next_number();
    std::vector<v1::ChunkEnvelope> envelopes;
    for (int j = 0; j < chunks; ++j) envelopes.push_back(maker.Next());
    made.push_back(Prepare(std::move(envelopes), first_number));
  }
  return made;
}

}  // namespace tidemark::bench
