#include "tests/bench/motion_stream.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/endian.h"

namespace tidemark::bench {
namespace {

constexpr int64_t kMotionPeriodNs = 10'000'000;

}  // namespace

v1::DeclareStreamRequest DeclareMotion(DeviceId device, StreamId stream, size_t channels) {
  v1::DeclareStreamRequest request;
  request.set_device_id(device.ToString());
  request.set_stream_id(stream.ToString());
  request.set_name("acc");
  request.set_version(1);
  v1::StreamDeclaration& declaration = *request.mutable_declaration();
  declaration.set_modality(channels == kMotionChannels ? v1::MODALITY_ACCELERATION
                                                       : v1::MODALITY_OTHER);
  constexpr std::string_view kAxes = "xyzuvw";
  for (const char axis : kAxes.substr(0, channels)) {
    v1::Channel& channel = *declaration.add_channels();
    channel.set_name(std::string(1, axis));
    channel.set_unit("m/s2");
    channel.set_type(v1::CHANNEL_TYPE_INT16);
    channel.set_scale(0.0024);
  }
  declaration.mutable_nominal_rate()->set_numerator(100);
  declaration.mutable_nominal_rate()->set_denominator(1);
  return request;
}

v1::ChunkEnvelope MotionChunks::Next() {
  v1::ChunkBody body;
  body.set_version(1);
  body.set_stream_id(std::string(stream_id_.AsBytes()));
  body.set_stream_version(1);
  body.set_writer_id(std::string(writer_id_.AsBytes()));
  body.set_number(number_);
  body.set_boot_id(std::string(boot_id_.AsBytes()));
  v1::Samples& samples = *body.mutable_samples();
  samples.set_first_counter(number_ * samples_);
  samples.set_count(samples_);
  const auto begin_ns = static_cast<int64_t>(number_ * samples_) * kMotionPeriodNs;
  samples.mutable_regular()->set_first_device_ns(begin_ns);
  samples.mutable_regular()->set_last_device_ns(begin_ns + (samples_ - 1) * kMotionPeriodNs);
  std::uniform_int_distribution<int> step(-60, 60);
  for (size_t channel = 0; channel < kMotionChannels; ++channel) {
    int value = 0;
    for (uint32_t i = 0; i < samples_; ++i) {
      value = std::clamp(value + step(random_), -30'000, 30'000);
      AppendLe(*samples.mutable_values(), static_cast<int16_t>(value));
    }
  }
  ++number_;
  v1::ChunkEnvelope envelope;
  envelope.set_body(body.SerializeAsString());
  envelope.set_compression(v1::COMPRESSION_NONE);
  envelope.set_uncompressed_size(static_cast<uint32_t>(envelope.body().size()));
  envelope.set_sha256(std::string(AsView(Sha256(envelope.body()))));
  return envelope;
}

}  // namespace tidemark::bench
