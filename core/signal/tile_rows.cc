// The stored form of a level of tiles:
//   u8      format
//   varint  length of the block that follows
//   block   EncodeBlock of t_min as exact stamps and of the minima and maxima of each channel
//   stamps  t_max - t_min of the buckets, as EncodeStamps writes them
//   stamps  samples of the buckets
//   u8      1 if some samples are not finite, else 0
//   stamps  per channel, only if they are not: finite samples of the buckets
//   u32     CRC-32C of everything before it
#include "core/signal/tile_rows.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/status_macros.h"
#include "core/signal/codec.h"
#include "core/signal/extremes.h"
#include "core/signal/varint.h"

namespace tidemark::signal {
namespace {

constexpr uint8_t kTileRowFormat = 1;

// Which for low <= high always fits.
uint64_t TileDistance(int64_t low, int64_t high) {
  return static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
}

bool IsTileGap(int64_t from_ns, int64_t to_ns, int64_t gap_ns) {
  const auto [low, high] = std::minmax(from_ns, to_ns);
  return TileDistance(low, high) > static_cast<uint64_t>(gap_ns);
}

// Stretches that are further apart than a gap; stretches that overlap are not.
bool AreApart(const TileColumns& tiles, size_t a, size_t b, int64_t gap_ns) {
  const int64_t low = std::min(tiles.t_max_ns[a], tiles.t_max_ns[b]);
  const int64_t high = std::max(tiles.t_min_ns[a], tiles.t_min_ns[b]);
  return high > low && TileDistance(low, high) > static_cast<uint64_t>(gap_ns);
}

void Reserve(TileColumns& tiles, size_t buckets, size_t channels) {
  tiles.t_min_ns.reserve(buckets);
  tiles.t_max_ns.reserve(buckets);
  tiles.samples.reserve(buckets);
  tiles.channels.resize(channels);
  for (TileColumns::Channel& channel : tiles.channels) {
    channel.finite.reserve(buckets);
    channel.min.reserve(buckets);
    channel.max.reserve(buckets);
  }
}

void Append(TileColumns::Channel& channel, const Extremes& extremes) {
  channel.finite.push_back(extremes.finite);
  channel.min.push_back(extremes.min);
  channel.max.push_back(extremes.max);
}

Extremes Fold(const TileColumns::Channel& channel, size_t begin, size_t end) {
  Extremes folded;
  for (size_t i = begin; i < end; ++i) {
    if (channel.finite[i] == 0) continue;
    folded.min = folded.finite == 0 ? channel.min[i] : std::min(folded.min, channel.min[i]);
    folded.max = folded.finite == 0 ? channel.max[i] : std::max(folded.max, channel.max[i]);
    folded.finite += channel.finite[i];
  }
  return folded;
}

template <class Number>
void AppendColumn(const std::vector<double>& column, std::string& to) {
  for (const double value : column) AppendLe(to, static_cast<Number>(value));
}
void AppendColumnAs(SampleType type, const std::vector<double>& column, std::string& to) {
  switch (type) {
    case SampleType::kInt16:
      return AppendColumn<int16_t>(column, to);
    case SampleType::kInt32:
      return AppendColumn<int32_t>(column, to);
    case SampleType::kFloat32:
      return AppendColumn<float>(column, to);
    case SampleType::kFloat64:
      return AppendColumn<double>(column, to);
  }
}

template <class Number>
std::vector<double> LoadColumn(std::string_view bytes, size_t count) {
  std::vector<double> column(count);
  for (size_t i = 0; i < count; ++i) {
    column[i] = static_cast<double>(LoadLe<Number>(bytes.data() + i * sizeof(Number)));
  }
  return column;
}
std::vector<double> LoadColumnAs(SampleType type, std::string_view bytes, size_t count) {
  switch (type) {
    case SampleType::kInt16:
      return LoadColumn<int16_t>(bytes, count);
    case SampleType::kInt32:
      return LoadColumn<int32_t>(bytes, count);
    case SampleType::kFloat32:
      return LoadColumn<float>(bytes, count);
    case SampleType::kFloat64:
      return LoadColumn<double>(bytes, count);
  }
  return {};
}

// Minimum and maximum of each channel are channels of their own.
std::vector<SampleType> Doubled(std::span<const SampleType> channels) {
  std::vector<SampleType> doubled;
  doubled.reserve(2 * channels.size());
  for (const SampleType type : channels) doubled.insert(doubled.end(), 2, type);
  return doubled;
}

std::string EncodeCounts(const std::vector<uint32_t>& counts) {
  return EncodeStamps(Stamps::Exact({counts.begin(), counts.end()}));
}

// The dense form has tables that a few buckets do not pay for: then the live one is shorter.
std::string EncodeExtremes(std::span<const SampleType> channels, std::vector<int64_t> stamps_ns,
                           std::string_view values, Effort effort) {
  const Stamps stamps = Stamps::Exact(std::move(stamps_ns));
  std::string live = EncodeBlock(channels, stamps, values, Effort::kLive);
  if (effort == Effort::kLive) return live;
  std::string dense = EncodeBlock(channels, stamps, values, Effort::kDense);
  return live.size() < dense.size() ? live : dense;
}

absl::Status DamagedTiles() { return absl::DataLossError("stored tiles are damaged"); }

absl::StatusOr<std::vector<int64_t>> DecodeNumbers(std::string_view& bytes, size_t count) {
  TM_ASSIGN_OR_RETURN(const Stamps numbers, DecodeStamps(bytes, count));
  if (numbers.size() != count) return DamagedTiles();
  return numbers.ToVector();
}

absl::StatusOr<std::vector<uint32_t>> DecodeCounts(std::string_view& bytes, size_t count) {
  TM_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, DecodeNumbers(bytes, count));
  std::vector<uint32_t> counts(count);
  for (size_t i = 0; i < count; ++i) {
    if (numbers[i] < 0 || numbers[i] > std::numeric_limits<uint32_t>::max()) return DamagedTiles();
    counts[i] = static_cast<uint32_t>(numbers[i]);
  }
  return counts;
}

bool IsWhollyFinite(const TileColumns& tiles) {
  return std::all_of(
      tiles.channels.begin(), tiles.channels.end(),
      [&](const TileColumns::Channel& channel) { return channel.finite == tiles.samples; });
}

}  // namespace

TileCollector::TileCollector(std::vector<SampleType> channels, int64_t gap_ns)
    : channels_(std::move(channels)), gap_ns_(gap_ns), values_(channels_.size()) {}

void TileCollector::Add(const Block& block, int64_t t_min_ns, int64_t t_max_ns) {
  const std::vector<int64_t> stamps_ns = block.stamps.ToVector();
  for (size_t begin = 0; begin < stamps_ns.size();) {
    const auto is_outlier = [&](size_t i) {
      return stamps_ns[i] < t_min_ns || stamps_ns[i] > t_max_ns;
    };
    if (is_outlier(begin)) {
      ++begin;
      continue;
    }
    size_t end = begin + 1;
    while (end < stamps_ns.size() && !is_outlier(end)) ++end;
    const auto at = [&](size_t i) { return stamps_ns.begin() + static_cast<ptrdiff_t>(i); };
    stamps_ns_.insert(stamps_ns_.end(), at(begin), at(end));
    for (size_t c = 0; c < channels_.size(); ++c) {
      const size_t bytes = BytesOf(channels_[c]);
      values_[c] += ChannelBytes(channels_, c, stamps_ns.size(), block.values)
                        .substr(begin * bytes, (end - begin) * bytes);
    }
    begin = end;
  }
}

TileColumns TileCollector::Finish() && {
  TileColumns tiles;
  Reserve(tiles, stamps_ns_.size() / kSamplesPerBucket + 1, channels_.size());
  for (size_t begin = 0; begin < stamps_ns_.size();) {
    const size_t limit = std::min(stamps_ns_.size(), begin + kSamplesPerBucket);
    int64_t t_min_ns = stamps_ns_[begin];
    int64_t t_max_ns = t_min_ns;
    size_t end = begin + 1;
    for (; end < limit && !IsTileGap(stamps_ns_[end - 1], stamps_ns_[end], gap_ns_); ++end) {
      t_min_ns = std::min(t_min_ns, stamps_ns_[end]);
      t_max_ns = std::max(t_max_ns, stamps_ns_[end]);
    }
    tiles.t_min_ns.push_back(t_min_ns);
    tiles.t_max_ns.push_back(t_max_ns);
    tiles.samples.push_back(static_cast<uint32_t>(end - begin));
    for (size_t c = 0; c < channels_.size(); ++c) {
      const char* const values = values_[c].data() + begin * BytesOf(channels_[c]);
      Append(tiles.channels[c], ExtremesOf(channels_[c], values, end - begin));
    }
    begin = end;
  }
  return tiles;
}

TileColumns CoarserTiles(const TileColumns& finer, int64_t gap_ns) {
  TileColumns tiles;
  Reserve(tiles, finer.size() / kTileFactor + 1, finer.channels.size());
  for (size_t begin = 0; begin < finer.size();) {
    const size_t limit = std::min(finer.size(), begin + kTileFactor);
    int64_t t_min_ns = finer.t_min_ns[begin];
    int64_t t_max_ns = finer.t_max_ns[begin];
    uint32_t samples = finer.samples[begin];
    size_t end = begin + 1;
    for (; end < limit && !AreApart(finer, end - 1, end, gap_ns); ++end) {
      t_min_ns = std::min(t_min_ns, finer.t_min_ns[end]);
      t_max_ns = std::max(t_max_ns, finer.t_max_ns[end]);
      samples += finer.samples[end];
    }
    tiles.t_min_ns.push_back(t_min_ns);
    tiles.t_max_ns.push_back(t_max_ns);
    tiles.samples.push_back(samples);
    for (size_t c = 0; c < finer.channels.size(); ++c) {
      Append(tiles.channels[c], Fold(finer.channels[c], begin, end));
    }
    begin = end;
  }
  return tiles;
}

std::string EncodeTiles(std::span<const SampleType> channels, const TileColumns& tiles,
                        Effort effort) {
  assert(tiles.size() <= kTileBucketsMax && tiles.channels.size() == channels.size());
  std::string extremes;
  std::vector<int64_t> spans_ns(tiles.size());
  for (size_t i = 0; i < tiles.size(); ++i) {
    spans_ns[i] = static_cast<int64_t>(TileDistance(tiles.t_min_ns[i], tiles.t_max_ns[i]));
  }
  for (size_t c = 0; c < channels.size(); ++c) {
    AppendColumnAs(channels[c], tiles.channels[c].min, extremes);
    AppendColumnAs(channels[c], tiles.channels[c].max, extremes);
  }
  const std::string block = EncodeExtremes(Doubled(channels), tiles.t_min_ns, extremes, effort);
  std::string to;
  AppendLe(to, kTileRowFormat);
  AppendVarint(to, block.size());
  to += block;
  to += EncodeStamps(Stamps::Exact(std::move(spans_ns)));
  to += EncodeCounts(tiles.samples);
  const bool is_finite = IsWhollyFinite(tiles);
  AppendLe(to, static_cast<uint8_t>(is_finite ? 0 : 1));
  if (!is_finite) {
    for (const TileColumns::Channel& channel : tiles.channels) to += EncodeCounts(channel.finite);
  }
  AppendLe(to, Crc32c(to));
  return to;
}

absl::StatusOr<TileColumns> DecodeTiles(std::span<const SampleType> channels,
                                        std::string_view encoded) {
  if (encoded.size() < sizeof(uint32_t)) return DamagedTiles();
  const std::string_view body = encoded.substr(0, encoded.size() - sizeof(uint32_t));
  if (Crc32c(body) != LoadLe<uint32_t>(encoded.data() + body.size())) return DamagedTiles();
  ByteReader from(body);
  if (from.Read<uint8_t>() != kTileRowFormat) return DamagedTiles();
  const auto block_bytes = ReadVarint(from, body.size());
  if (!block_bytes) return DamagedTiles();
  TM_ASSIGN_OR_RETURN(
      const Block block,
      DecodeBlock(Doubled(channels), from.ReadBytes(*block_bytes), kTileBucketsMax));
  const size_t count = block.count();
  std::string_view rest = from.rest();
  TileColumns tiles;
  tiles.t_min_ns = block.stamps.ToVector();
  TM_ASSIGN_OR_RETURN(tiles.t_max_ns, DecodeNumbers(rest, count));
  for (size_t i = 0; i < count; ++i) {
    tiles.t_max_ns[i] = static_cast<int64_t>(static_cast<uint64_t>(tiles.t_min_ns[i]) +
                                             static_cast<uint64_t>(tiles.t_max_ns[i]));
    if (tiles.t_max_ns[i] < tiles.t_min_ns[i]) return DamagedTiles();
  }
  TM_ASSIGN_OR_RETURN(tiles.samples, DecodeCounts(rest, count));
  if (rest.empty()) return DamagedTiles();
  const auto own_finite = LoadLe<uint8_t>(rest.data());
  rest.remove_prefix(1);
  const std::vector<SampleType> doubled = Doubled(channels);
  for (size_t c = 0; c < channels.size(); ++c) {
    TileColumns::Channel& channel = tiles.channels.emplace_back();
    channel.finite = tiles.samples;
    if (own_finite != 0) {
      TM_ASSIGN_OR_RETURN(channel.finite, DecodeCounts(rest, count));
    }
    const auto column = [&](size_t index) {
      return LoadColumnAs(channels[c], ChannelBytes(doubled, index, count, block.values), count);
    };
    channel.min = column(2 * c);
    channel.max = column(2 * c + 1);
  }
  if (!rest.empty() || own_finite > 1) return DamagedTiles();
  return tiles;
}

}  // namespace tidemark::signal
