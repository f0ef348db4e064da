#include "store/body.h"

#include <cstring>
#include <utility>
#include <vector>

#include "base/endian.h"
#include "tidemark/v1/chunk.pb.h"

namespace tidemark::store {
namespace {

// Tags of v1::ChunkBody, v1::Samples and v1::RegularStamps: (field number << 3) | wire type.
enum BodyTag : uint8_t {
  kVersionTag = 1 << 3,
  kStreamIdTag = 2 << 3 | 2,
  kStreamVersionTag = 3 << 3,
  kWriterIdTag = 4 << 3 | 2,
  kNumberTag = 5 << 3,
  kBootIdTag = 6 << 3 | 2,
  kClockIdTag = 7 << 3,
  kSamplesTag = 8 << 3 | 2,
};
enum SamplesTag : uint8_t {
  kFirstCounterTag = 1 << 3,
  kCountTag = 2 << 3,
  kValuesTag = 3 << 3 | 2,
  kRegularTag = 4 << 3 | 2,
  kExactTag = 5 << 3 | 2,
};
enum RegularTag : uint8_t {
  kFirstStampTag = 1 << 3 | 1,
  kLastStampTag = 2 << 3 | 1,
};

constexpr uint32_t kBodyVersion = 1;
constexpr size_t kFixed64FieldBytes = 9;

constexpr size_t VarintBytes(uint64_t value) {
  size_t bytes = 1;
  for (; value >= 0x80; value >>= 7) ++bytes;
  return bytes;
}
// Proto3 leaves out numbers that are zero.
constexpr size_t NumberFieldBytes(uint64_t value) {
  return value == 0 ? 0 : 1 + VarintBytes(value);
}
constexpr size_t BytesFieldBytes(size_t size) { return 1 + VarintBytes(size) + size; }

size_t StampsBytes(const signal::Stamps& stamps) {
  if (!stamps.is_regular()) return stamps.size() * sizeof(int64_t);
  return (stamps.first_ns() == 0 ? 0 : kFixed64FieldBytes) +
         (stamps.last_ns() == 0 ? 0 : kFixed64FieldBytes);
}

size_t SamplesBytes(const ChunkRow& row, const signal::Block& block) {
  return NumberFieldBytes(static_cast<uint64_t>(row.first_counter)) +
         NumberFieldBytes(block.count()) +
         (block.values.empty() ? 0 : BytesFieldBytes(block.values.size())) +
         BytesFieldBytes(StampsBytes(block.stamps));
}

size_t HeadBytes(const ChunkRow& row) {
  return NumberFieldBytes(kBodyVersion) + 3 * BytesFieldBytes(sizeof(Uuid)) +
         NumberFieldBytes(static_cast<uint64_t>(row.stream_version)) +
         NumberFieldBytes(static_cast<uint64_t>(row.number)) +
         NumberFieldBytes(static_cast<uint64_t>(row.clock_id));
}

// Appends to a string that has the room already.
class WireWriter {
 public:
  explicit WireWriter(std::string& to) : to_(to) {}

  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) to_.push_back(static_cast<char>(value | 0x80));
    to_.push_back(static_cast<char>(value));
  }
  void Number(uint8_t tag, uint64_t value) {
    if (value == 0) return;
    to_.push_back(static_cast<char>(tag));
    Varint(value);
  }
  void Fixed64(uint8_t tag, int64_t value) {
    if (value == 0) return;
    to_.push_back(static_cast<char>(tag));
    AppendLe(to_, value);
  }
  void Length(uint8_t tag, size_t size) {
    to_.push_back(static_cast<char>(tag));
    Varint(size);
  }
  void Bytes(uint8_t tag, std::string_view bytes) {
    Length(tag, bytes.size());
    to_ += bytes;
  }

 private:
  std::string& to_;
};

void AppendStamps(const signal::Stamps& stamps, std::string& body) {
  WireWriter writer(body);
  writer.Length(stamps.is_regular() ? kRegularTag : kExactTag, StampsBytes(stamps));
  if (stamps.is_regular()) {
    writer.Fixed64(kFirstStampTag, stamps.first_ns());
    writer.Fixed64(kLastStampTag, stamps.last_ns());
    return;
  }
  for (size_t i = 0; i < stamps.size(); ++i) AppendLe(body, stamps[i]);
}

absl::Status BadBody() { return absl::DataLossError("a stored body is not what its row says"); }

bool Parse(std::string_view bytes, v1::ChunkBody& body) {
  return body.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

absl::StatusOr<signal::Stamps> StampsOf(const v1::Samples& samples) {
  if (samples.has_regular()) {
    return signal::Stamps::Regular(samples.regular().first_device_ns(),
                                   samples.regular().last_device_ns(), samples.count());
  }
  const std::string& raw = samples.exact_device_ns();
  if (raw.size() != size_t{samples.count()} * sizeof(int64_t)) return BadBody();
  std::vector<int64_t> stamps(samples.count());
  std::memcpy(stamps.data(), raw.data(), raw.size());
  return signal::Stamps::Exact(std::move(stamps));
}

}  // namespace

std::string RebuildBody(const ChunkRow& row, const signal::Block& block) {
  const size_t samples_bytes = SamplesBytes(row, block);
  std::string body;
  body.reserve(HeadBytes(row) + BytesFieldBytes(samples_bytes));
  WireWriter writer(body);
  writer.Number(kVersionTag, kBodyVersion);
  writer.Bytes(kStreamIdTag, row.stream_id.AsBytes());
  writer.Number(kStreamVersionTag, static_cast<uint64_t>(row.stream_version));
  writer.Bytes(kWriterIdTag, row.writer_id.AsBytes());
  writer.Number(kNumberTag, static_cast<uint64_t>(row.number));
  writer.Bytes(kBootIdTag, row.boot_id.AsBytes());
  writer.Number(kClockIdTag, static_cast<uint64_t>(row.clock_id));
  writer.Length(kSamplesTag, samples_bytes);
  writer.Number(kFirstCounterTag, static_cast<uint64_t>(row.first_counter));
  writer.Number(kCountTag, block.count());
  if (!block.values.empty()) writer.Bytes(kValuesTag, block.values);
  AppendStamps(block.stamps, body);
  return body;
}

absl::StatusOr<signal::Block> SamplesOfBody(std::string_view bytes,
                                            std::span<const signal::SampleType> channels) {
  v1::ChunkBody body;
  if (!Parse(bytes, body) || !body.has_samples()) return BadBody();
  v1::Samples& samples = *body.mutable_samples();
  if (samples.values().size() != samples.count() * signal::BytesOf(channels)) return BadBody();
  absl::StatusOr<signal::Stamps> stamps = StampsOf(samples);
  if (!stamps.ok()) return BadBody();
  return signal::Block{*std::move(stamps), std::move(*samples.mutable_values())};
}

absl::StatusOr<EncodedSegment> EncodedOfBody(std::string_view bytes) {
  v1::ChunkBody body;
  if (!Parse(bytes, body) || !body.has_encoded()) return BadBody();
  return EncodedSegment{.begin_device_ns = body.encoded().begin_device_ns(),
                        .end_device_ns = body.encoded().end_device_ns(),
                        .data = std::move(*body.mutable_encoded()->mutable_data())};
}

}  // namespace tidemark::store
