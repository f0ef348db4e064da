// The stored form of the buckets of one block:
//   u8      format
//   varint  number of buckets; nothing but the checksum follows if it is 0
//   stamps  t_min of the buckets, then their t_max - t_min, both as EncodeStamps writes them
//   u8      flags, see below
//   counts  samples of the last bucket (varint), or of every bucket (int32 channel) if flagged
//   per channel: finite counts (int32 channel) if flagged, then an own-type channel of all minima
//           and all maxima
//   u32     CRC-32C of everything before it
#include <cmath>
#include <cstring>
#include <limits>

#include "base/crc32c.h"
#include "base/endian.h"
#include "core/signal/channel_codec.h"
#include "core/signal/tiles.h"
#include "core/signal/varint.h"

namespace tidemark::signal {
namespace {

constexpr uint8_t kFormat = 1;
// Stored bits. Without them every bucket but the last is full, and every value is finite.
constexpr uint8_t kOwnCounts = 1;
constexpr uint8_t kOwnFinite = 2;
// An upload body holds at most so many samples, a byte each; so no block has more buckets.
constexpr size_t kBucketsMax = size_t{1} << 20;

template <class Number>
void AppendNumber(double value, std::string& to) {
  AppendLe(to, static_cast<Number>(value));
}
void AppendAs(SampleType type, double value, std::string& to) {
  switch (type) {
    case SampleType::kInt16:
      return AppendNumber<int16_t>(value, to);
    case SampleType::kInt32:
      return AppendNumber<int32_t>(value, to);
    case SampleType::kFloat32:
      return AppendNumber<float>(value, to);
    case SampleType::kFloat64:
      return AppendNumber<double>(value, to);
  }
}
double LoadAs(SampleType type, const char* from) {
  switch (type) {
    case SampleType::kInt16:
      return LoadLe<int16_t>(from);
    case SampleType::kInt32:
      return LoadLe<int32_t>(from);
    case SampleType::kFloat32:
      return LoadLe<float>(from);
    case SampleType::kFloat64:
      return LoadLe<double>(from);
  }
  return 0;
}

uint8_t FlagsOf(std::span<const Bucket> buckets) {
  uint8_t flags = 0;
  for (const Bucket& bucket : buckets) {
    if (&bucket != &buckets.back() && bucket.samples != kSamplesPerBucket) flags |= kOwnCounts;
    for (const Extremes& extremes : bucket.channels) {
      if (extremes.finite != bucket.samples) flags |= kOwnFinite;
    }
  }
  return flags;
}

template <class CountOf>
void AppendCounts(std::span<const Bucket> buckets, CountOf count_of, std::string& to) {
  std::string counts;
  for (const Bucket& bucket : buckets) AppendLe<uint32_t>(counts, count_of(bucket));
  EncodeChannel(SampleType::kInt32, counts, Effort::kDense, to);
}

void AppendTimes(std::span<const Bucket> buckets, std::string& to) {
  std::vector<int64_t> begins;
  std::vector<int64_t> spans;
  for (const Bucket& bucket : buckets) {
    begins.push_back(bucket.t_min_ns);
    spans.push_back(static_cast<int64_t>(static_cast<uint64_t>(bucket.t_max_ns) -
                                         static_cast<uint64_t>(bucket.t_min_ns)));
  }
  to += EncodeStamps(Stamps::Exact(std::move(begins)));
  to += EncodeStamps(Stamps::Exact(std::move(spans)));
}

void AppendExtremes(SampleType type, size_t channel, std::span<const Bucket> buckets,
                    std::string& to) {
  std::string numbers;
  for (const Bucket& bucket : buckets) AppendAs(type, bucket.channels[channel].min, numbers);
  for (const Bucket& bucket : buckets) AppendAs(type, bucket.channels[channel].max, numbers);
  EncodeChannel(type, numbers, Effort::kDense, to);
}

using Counts = std::vector<uint32_t>;

[[nodiscard]] bool ReadCounts(ByteReader& from, Counts& counts) {
  return DecodeChannel(SampleType::kInt32, from, counts.size(),
                       reinterpret_cast<char*>(counts.data()));
}

[[nodiscard]] bool ReadTimes(ByteReader& from, std::vector<Bucket>& buckets) {
  std::string_view rest = from.rest();
  const auto begins = DecodeStamps(rest, buckets.size());
  if (!begins.ok() || begins->size() != buckets.size()) return false;
  const auto spans = DecodeStamps(rest, buckets.size());
  if (!spans.ok() || spans->size() != buckets.size()) return false;
  from.ReadBytes(from.rest().size() - rest.size());
  for (size_t i = 0; i < buckets.size(); ++i) {
    buckets[i].t_min_ns = (*begins)[i];
    buckets[i].t_max_ns = static_cast<int64_t>(static_cast<uint64_t>((*begins)[i]) +
                                               static_cast<uint64_t>((*spans)[i]));
    if (buckets[i].t_max_ns < buckets[i].t_min_ns) return false;
  }
  return true;
}

[[nodiscard]] bool ReadSampleCounts(ByteReader& from, uint8_t flags, std::vector<Bucket>& buckets) {
  Counts counts(buckets.size(), kSamplesPerBucket);
  if (flags & kOwnCounts) {
    if (!ReadCounts(from, counts)) return false;
  } else {
    const auto last = ReadVarint(from, kSamplesPerBucket);
    if (!last) return false;
    counts.back() = static_cast<uint32_t>(*last);
  }
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (counts[i] == 0 || counts[i] > kSamplesPerBucket) return false;
    buckets[i].samples = counts[i];
  }
  return true;
}

// Extremes as MakeBuckets makes them: in order, finite, and zero where nothing was.
bool IsValid(const Extremes& extremes, uint32_t samples) {
  if (extremes.finite > samples) return false;
  if (extremes.finite == 0) return extremes.min == 0 && extremes.max == 0;
  return std::isfinite(extremes.min) && std::isfinite(extremes.max) && extremes.min <= extremes.max;
}

[[nodiscard]] bool ReadExtremes(ByteReader& from, uint8_t flags, SampleType type,
                                std::vector<Bucket>& buckets) {
  Counts finite(buckets.size());
  for (size_t i = 0; i < buckets.size(); ++i) finite[i] = buckets[i].samples;
  if ((flags & kOwnFinite) && !ReadCounts(from, finite)) return false;
  const size_t bytes = BytesOf(type);
  std::string numbers(2 * buckets.size() * bytes, '\0');
  if (!DecodeChannel(type, from, 2 * buckets.size(), numbers.data())) return false;
  for (size_t i = 0; i < buckets.size(); ++i) {
    const Extremes extremes{finite[i], LoadAs(type, numbers.data() + i * bytes),
                            LoadAs(type, numbers.data() + (buckets.size() + i) * bytes)};
    if (!IsValid(extremes, buckets[i].samples)) return false;
    buckets[i].channels.push_back(extremes);
  }
  return true;
}

[[nodiscard]] bool ReadBuckets(ByteReader& from, std::span<const SampleType> channels,
                               std::vector<Bucket>& buckets) {
  if (from.Read<uint8_t>() != kFormat) return false;
  const auto count = ReadVarint(from, kBucketsMax);
  if (!count) return false;
  if (*count == 0) return from.done();
  // A bucket takes more than a bit of the times: no memory for a count that cannot be meant.
  if (*count > 8 * from.rest().size()) return false;
  buckets.resize(*count);
  if (!ReadTimes(from, buckets)) return false;
  const uint8_t flags = from.Read<uint8_t>();
  if (flags > (kOwnCounts | kOwnFinite) || !ReadSampleCounts(from, flags, buckets)) return false;
  for (Bucket& bucket : buckets) bucket.channels.reserve(channels.size());
  for (const SampleType type : channels) {
    if (!ReadExtremes(from, flags, type, buckets)) return false;
  }
  return from.done();
}

}  // namespace

std::string EncodeBuckets(std::span<const SampleType> channels, std::span<const Bucket> buckets) {
  std::string to;
  AppendLe(to, kFormat);
  AppendVarint(to, buckets.size());
  if (!buckets.empty()) {
    AppendTimes(buckets, to);
    const uint8_t flags = FlagsOf(buckets);
    AppendLe(to, flags);
    if (flags & kOwnCounts) {
      AppendCounts(
          buckets, [](const Bucket& bucket) { return bucket.samples; }, to);
    } else {
      AppendVarint(to, buckets.back().samples);
    }
    for (size_t c = 0; c < channels.size(); ++c) {
      if (flags & kOwnFinite) {
        AppendCounts(
            buckets, [c](const Bucket& bucket) { return bucket.channels[c].finite; }, to);
      }
      AppendExtremes(channels[c], c, buckets, to);
    }
  }
  AppendLe(to, Crc32c(to));
  return to;
}

absl::StatusOr<std::vector<Bucket>> DecodeBuckets(std::span<const SampleType> channels,
                                                  std::string_view encoded) {
  const auto damaged = [] { return absl::DataLossError("stored tile is damaged"); };
  if (encoded.size() < sizeof(uint32_t)) return damaged();
  const std::string_view body = encoded.substr(0, encoded.size() - sizeof(uint32_t));
  if (Crc32c(body) != LoadLe<uint32_t>(encoded.data() + body.size())) return damaged();
  std::vector<Bucket> buckets;
  ByteReader from(body);
  if (!ReadBuckets(from, channels, buckets)) return damaged();
  return buckets;
}

}  // namespace tidemark::signal
