// SignalReader::GetOverview.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "base/endian.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "core/signal/tiles.h"
#include "store/epoch_cuts.h"
#include "store/placed_ranges.h"
#include "store/segment.h"
#include "store/shown_times.h"
#include "store/signal_reader.h"
#include "store/span_joiner.h"
#include "store/sql.h"
#include "store/stored_chunk.h"

namespace tidemark::store {
namespace {

// Where the neighbours of a picture are looked for.
constexpr int64_t kEdgeNsMax = 3'600'000'000'000;
// A bucket that straddles a border widens a spike by a column: with two buckets a column that is
// half a column at most.
constexpr double kBucketsPerColumnMin = 2;
// Chunks across one end of the range that are decoded for the sample beside it.
constexpr size_t kEdgeChunksMax = 16;

double ReadValue(signal::SampleType type, std::string_view values, size_t index) {
  const char* const from = values.data() + index * signal::BytesOf(type);
  switch (type) {
    case signal::SampleType::kInt16:
      return LoadLe<int16_t>(from);
    case signal::SampleType::kInt32:
      return LoadLe<int32_t>(from);
    case signal::SampleType::kFloat32:
      return LoadLe<float>(from);
    case signal::SampleType::kFloat64:
      return LoadLe<double>(from);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

// How one version's channels become those of the newest version, in physical units.
class ChannelMap {
 public:
  ChannelMap(const StreamInfo& from, const StreamInfo& to)
      : from_(from), types_(from.channel_types()) {
    for (const ChannelInfo& wanted : to.channels) {
      const auto found =
          std::find_if(from.channels.begin(), from.channels.end(), [&](const ChannelInfo& each) {
            return each.name == wanted.name && each.unit == wanted.unit;
          });
      sources_.push_back(found == from.channels.end()
                             ? std::nullopt
                             : std::optional<size_t>(found - from.channels.begin()));
    }
  }

  const std::vector<signal::SampleType>& types() const { return types_; }

  signal::Bucket Place(const signal::Bucket& bucket, const Placement& placement) const {
    signal::Bucket placed{.t_min_ns = placement.ToStudy(bucket.t_min_ns),
                          .t_max_ns = placement.ToStudy(bucket.t_max_ns),
                          .samples = bucket.samples,
                          .channels = {}};
    placed.channels.reserve(sources_.size());
    for (const std::optional<size_t>& source : sources_) {
      placed.channels.push_back(source ? Physical(*source, bucket.channels[*source])
                                       : signal::Extremes{});
    }
    return placed;
  }

  // The values of sample `index` of `count`; NaN where this version has no such channel.
  void Sample(const signal::Block& block, size_t index, std::vector<double>& values) const {
    for (size_t i = 0; i < sources_.size(); ++i) {
      if (!sources_[i]) {
        values[i] = std::numeric_limits<double>::quiet_NaN();
        continue;
      }
      const size_t source = *sources_[i];
      const std::string_view bytes =
          signal::ChannelBytes(types_, source, block.count(), block.values);
      values[i] = Physical(source, ReadValue(types_[source], bytes, index));
    }
  }

 private:
  double Physical(size_t channel, double value) const {
    return value * from_.channels[channel].scale + from_.channels[channel].offset;
  }
  signal::Extremes Physical(size_t channel, const signal::Extremes& raw) const {
    const double a = Physical(channel, raw.min);
    const double b = Physical(channel, raw.max);
    // A negative scale turns the axis around. What leaves the numbers by scaling is not finite.
    if (raw.finite == 0 || !std::isfinite(a) || !std::isfinite(b)) return {};
    return {.finite = raw.finite, .min = std::min(a, b), .max = std::max(a, b)};
  }

  const StreamInfo& from_;
  const std::vector<signal::SampleType> types_;
  std::vector<std::optional<size_t>> sources_;  // per channel of the newest version
};

// One call of GetOverview:
//   1. the range of study time is inverted for every boot and clock that has chunks near it
//   2. their density decides between samples and tiles
//   3. chunks that overlap are fed to the builder; those across an end are remembered
//   4. the nearest chunks outside and those across an end give the samples beside the range
// Tiles know no border of consent: a chunk across one is fed from its samples.
class OverviewRun {
 public:
  OverviewRun(const SignalReader::Parts& parts, const OverviewQuery& query, StreamInfoPtr newest,
              absl::Time deadline)
      : parts_(parts),
        query_(query),
        newest_(std::move(newest)),
        target_{parts.pool, parts.keys, query.participant_id, query.stream_id, deadline},
        gap_ns_(signal::GapThresholdNs(newest_->period_ns)),
        builder_(query.study_range, query.width, newest_->channels.size(), gap_ns_),
        values_(newest_->channels.size()) {}

  absl::StatusOr<SignalOverview> Run() {
    TM_RETURN_IF_ERROR(FindRanges());
    TM_ASSIGN_OR_RETURN(const bool from_samples, ShouldReadSamples());
    for (const PlacedRange& placed : ranges_) {
      TM_RETURN_IF_ERROR(from_samples ? FeedSamples(placed) : FeedTiles(placed));
      TM_RETURN_IF_ERROR(FeedNeighbours(placed));
    }
    SignalOverview answer{newest_, std::move(builder_).Build(), std::move(used_), from_samples, {}};
    for (auto& [reason, spans] : unreadable_) {
      for (const signal::TimeRange& range : std::move(spans).Finish()) {
        answer.unreadable.push_back({range, reason});
      }
    }
    return answer;
  }

 private:
  absl::Status FindRanges() {
    TM_RETURN_IF_ERROR(RefuseCutBoots(target_, newest_->device_id));
    TM_ASSIGN_OR_RETURN(ranges_, FindPlacedRanges(target_, parts_.placements, newest_->device_id,
                                                  query_.study_range, kEdgeNsMax));
    return absl::OkStatus();
  }

  db::BinaryParams ClockParams(const ScanRange& range) const {
    db::BinaryParams params;
    params.Add(query_.participant_id).Add(query_.stream_id);
    params.Add(range.boot_id).Add(static_cast<int32_t>(range.clock_id));
    return params;
  }

  // Samples where tiles are too coarse for the picture, as long as they are few enough.
  absl::StatusOr<bool> ShouldReadSamples() {
    int64_t samples = 0;
    double covered_ns = 0;
    for (const PlacedRange& placed : ranges_) {
      const ScanRange& range = placed.range;
      db::BinaryParams params = ClockParams(range);
      params.Add(SaturatingAdd(range.device.begin_ns, -kChunkSpanNsMax));
      params.Add(range.device.begin_ns).Add(range.device.end_ns);
      TM_ASSIGN_OR_RETURN(const db::BinaryResult sums,
                          target_.pool->Query(query_.participant_id, sql::kSummarizeRange, params,
                                              target_.deadline));
      TM_RETURN_IF_ERROR((sums.Expect<int64_t, double>()));
      samples += sums.Int64(0, 0);
      covered_ns += sums.Double(0, 1);
    }
    if (samples > kOverviewSamplesMax) return false;
    const double range_ns = static_cast<double>(query_.study_range.end_ns) -
                            static_cast<double>(query_.study_range.begin_ns);
    const double column_ns = range_ns / static_cast<double>(query_.width);
    const double bucket_ns = covered_ns / static_cast<double>(std::max<int64_t>(samples, 1)) *
                             static_cast<double>(signal::kSamplesPerBucket);
    return column_ns < kBucketsPerColumnMin * bucket_ns ||
           samples <= static_cast<int64_t>(query_.width);
  }

  absl::Status FeedSamples(const PlacedRange& placed) {
    ChunkScan scan(target_, SegmentPart::kPayload);
    return scan.InRange(placed.range,
                        [&](const ChunkRow& row, const absl::StatusOr<std::string>& packed) {
                          return FeedBlock(placed.placement, row, packed, &AllPlausible);
                        });
  }

  absl::Status FeedTiles(const PlacedRange& placed) {
    ChunkScan scan(target_, SegmentPart::kTiles);
    std::vector<ChunkRow> across_begin, across_end, across_consent;
    TM_RETURN_IF_ERROR(scan.InRange(placed.range, [&](const ChunkRow& row,
                                                      const absl::StatusOr<std::string>& packed) {
      Keep(row, placed.placement.ToStudy(row.t_min_ns) < query_.study_range.begin_ns, across_begin);
      Keep(row, placed.placement.ToStudy(row.t_max_ns) >= query_.study_range.end_ns, across_end);
      return FeedOrRemember(placed.placement, row, packed,
                            [&](const std::string& opened) -> absl::Status {
                              TM_ASSIGN_OR_RETURN(const Version* const version, VersionOf(row));
                              if (version->shown.Covers(SpanOf(placed.placement, row))) {
                                return FeedBuckets(placed.placement, row, opened);
                              }
                              across_consent.push_back(row);
                              return absl::OkStatus();
                            });
    }));
    for (const ChunkRow& row : across_consent) {
      TM_RETURN_IF_ERROR(FeedEdge(placed.placement, row, &AllPlausible));
    }
    for (const ChunkRow& row : across_begin) {
      TM_RETURN_IF_ERROR(FeedEdge(placed.placement, row, &NearestBefore));
    }
    for (const ChunkRow& row : across_end) {
      TM_RETURN_IF_ERROR(FeedEdge(placed.placement, row, &NearestAfter));
    }
    return absl::OkStatus();
  }

  static void Keep(const ChunkRow& row, bool across, std::vector<ChunkRow>& kept) {
    if (across && kept.size() < kEdgeChunksMax) kept.push_back(row);
  }

  // The nearest chunks wholly outside.
  absl::Status FeedNeighbours(const PlacedRange& placed) {
    const ScanRange& range = placed.range;
    const int64_t edge_ns = SaturatingAdd(range.device.begin_ns, -kEdgeNsMax);
    db::BinaryParams before = ClockParams(range);
    before.Add(SaturatingAdd(edge_ns, -kChunkSpanNsMax)).Add(edge_ns);
    before.Add(SaturatingAdd(range.device.begin_ns, 1));
    TM_RETURN_IF_ERROR(
        FeedNeighbour(placed.placement, sql::kFindChunkBefore, before, &NearestBefore));
    db::BinaryParams after = ClockParams(range);
    after.Add(SaturatingAdd(range.device.end_ns, -1));
    after.Add(SaturatingAdd(range.device.end_ns, kEdgeNsMax));
    return FeedNeighbour(placed.placement, sql::kFindChunkAfter, after, &NearestAfter);
  }

  // Which samples of a chunk to feed: indexes of `study_ns`, the placed plausible stamps.
  using Choice = std::vector<size_t> (*)(const std::vector<int64_t>& study_ns,
                                         const std::vector<bool>& plausible,
                                         const signal::TimeRange& range);

  static std::vector<size_t> AllPlausible(const std::vector<int64_t>& study_ns,
                                          const std::vector<bool>& plausible,
                                          const signal::TimeRange&) {
    std::vector<size_t> chosen;
    chosen.reserve(study_ns.size());
    for (size_t i = 0; i < study_ns.size(); ++i) {
      if (plausible[i]) chosen.push_back(i);
    }
    return chosen;
  }
  static std::vector<size_t> NearestBefore(const std::vector<int64_t>& study_ns,
                                           const std::vector<bool>& plausible,
                                           const signal::TimeRange& range) {
    std::vector<size_t> chosen;
    for (size_t i = 0; i < study_ns.size(); ++i) {
      if (!plausible[i] || study_ns[i] >= range.begin_ns) continue;
      if (chosen.empty() || study_ns[i] >= study_ns[chosen[0]]) chosen = {i};
    }
    return chosen;
  }
  static std::vector<size_t> NearestAfter(const std::vector<int64_t>& study_ns,
                                          const std::vector<bool>& plausible,
                                          const signal::TimeRange& range) {
    std::vector<size_t> chosen;
    for (size_t i = 0; i < study_ns.size(); ++i) {
      if (!plausible[i] || study_ns[i] < range.end_ns) continue;
      if (chosen.empty() || study_ns[i] < study_ns[chosen[0]]) chosen = {i};
    }
    return chosen;
  }

  absl::Status FeedNeighbour(const Placement& placement, const db::Statement& statement,
                             const db::BinaryParams& params, Choice choose) {
    TM_ASSIGN_OR_RETURN(
        const db::BinaryResult rows,
        target_.pool->Query(query_.participant_id, statement, params, target_.deadline));
    TM_RETURN_IF_ERROR(CheckChunkRows(rows));
    if (rows.rows() == 0) return absl::OkStatus();
    return FeedEdge(placement, ReadChunkRow(query_.participant_id, query_.stream_id, rows, 0),
                    choose);
  }

  absl::Status FeedEdge(const Placement& placement, const ChunkRow& row, Choice choose) {
    ChunkScan scan(target_, SegmentPart::kPayload);
    return scan.One(row, [&](const ChunkRow& each, const absl::StatusOr<std::string>& packed) {
      return FeedBlock(placement, each, packed, choose);
    });
  }

  static signal::TimeRange SpanOf(const Placement& placement, const ChunkRow& row) {
    return placement.ToStudySpan(row.t_min_ns, row.t_max_ns);
  }

  // Feeds what `feed` can read of a chunk; what is erased, damaged or may not be shown is
  // remembered instead.
  template <class Feed>
  absl::Status FeedOrRemember(const Placement& placement, const ChunkRow& row,
                              const absl::StatusOr<std::string>& packed, Feed feed) {
    if (row.kind != PayloadKind::kSamples) return absl::OkStatus();
    if (!absl::IsNotFound(packed.status())) {
      TM_ASSIGN_OR_RETURN(const Version* const version, VersionOf(row));
      const signal::TimeRange span = SpanOf(placement, row);
      version->shown.Split(span, [&](const signal::TimeRange& part, bool is_shown) {
        if (!is_shown) Remember(part, UnreadableReason::kNoConsent);
      });
      if (!version->shown.Touches(span)) return absl::OkStatus();
    }
    const absl::Status fed = packed.ok() ? feed(*packed) : packed.status();
    if (absl::IsNotFound(fed)) {
      Remember(SpanOf(placement, row), UnreadableReason::kErased);
      return absl::OkStatus();
    }
    if (!absl::IsDataLoss(fed)) return fed;
    LogError("stored data is damaged: {}", fed.ToString());
    Remember(SpanOf(placement, row), UnreadableReason::kDamaged);
    return absl::OkStatus();
  }

  void Remember(const signal::TimeRange& study, UnreadableReason reason) {
    const signal::TimeRange inside{std::max(study.begin_ns, query_.study_range.begin_ns),
                                   std::min(study.end_ns, query_.study_range.end_ns)};
    if (inside.begin_ns >= inside.end_ns) return;
    unreadable_.try_emplace(reason, gap_ns_, kUnreadableRangesMax).first->second.Add(inside);
  }

  absl::Status FeedBlock(const Placement& placement, const ChunkRow& row,
                         const absl::StatusOr<std::string>& packed, Choice choose) {
    return FeedOrRemember(placement, row, packed, [&](const std::string& opened) {
      return FeedChosen(placement, row, opened, choose);
    });
  }

  absl::Status FeedChosen(const Placement& placement, const ChunkRow& row,
                          const std::string& opened, Choice choose) {
    TM_ASSIGN_OR_RETURN(const Version* const version, VersionOf(row));
    TM_ASSIGN_OR_RETURN(const signal::Block block, LoadSamples(*version->stream, row, opened));
    std::vector<int64_t> study_ns = block.stamps.ToVector();
    std::vector<bool> plausible(study_ns.size());
    for (size_t i = 0; i < study_ns.size(); ++i) {
      plausible[i] = study_ns[i] >= row.t_min_ns && study_ns[i] <= row.t_max_ns;
      study_ns[i] = placement.ToStudy(study_ns[i]);
      plausible[i] = plausible[i] && version->shown.Contains(study_ns[i]);
    }
    for (const size_t i : choose(study_ns, plausible, query_.study_range)) {
      version->channels.Sample(block, i, values_);
      builder_.AddSample(study_ns[i], values_);
      Used(placement);
    }
    return absl::OkStatus();
  }

  absl::Status FeedBuckets(const Placement& placement, const ChunkRow& row,
                           const std::string& opened) {
    if (opened.empty()) return absl::DataLossError("a segment of samples has no tiles");
    TM_ASSIGN_OR_RETURN(const Version* const version, VersionOf(row));
    TM_ASSIGN_OR_RETURN(const std::string_view coded, FindTiles(opened, row.segment_slot));
    // Samples always have tiles: these were erased after the row was read.
    if (coded.empty()) return absl::NotFoundError("the chunk was erased");
    TM_ASSIGN_OR_RETURN(const std::vector<signal::Bucket> buckets,
                        signal::DecodeBuckets(version->channels.types(), coded));
    for (const signal::Bucket& bucket : buckets) {
      builder_.AddBucket(version->channels.Place(bucket, placement));
    }
    Used(placement);
    return absl::OkStatus();
  }

  struct Version {
    StreamInfoPtr stream;
    ChannelMap channels;
    ConsentTimes shown;
  };
  absl::StatusOr<const Version*> VersionOf(const ChunkRow& row) {
    if (const auto found = versions_.find(row.stream_version); found != versions_.end()) {
      return &found->second;
    }
    TM_ASSIGN_OR_RETURN(StreamInfoPtr stream,
                        parts_.catalog->Find(query_.participant_id, query_.stream_id,
                                             row.stream_version, target_.deadline));
    ChannelMap channels(*stream, *newest_);
    TM_ASSIGN_OR_RETURN(ConsentTimes shown, ShownTimes(*parts_.consent, *stream, target_.deadline));
    const auto added = versions_.emplace(
        row.stream_version, Version{std::move(stream), std::move(channels), std::move(shown)});
    return &added.first->second;
  }

  void Used(const Placement& placement) {
    if (used_.empty() || used_.back() != placement) used_.push_back(placement);
  }

  const SignalReader::Parts& parts_;
  const OverviewQuery& query_;
  const StreamInfoPtr newest_;
  const ChunkScan::Target target_;
  const int64_t gap_ns_;
  signal::OverviewBuilder builder_;
  std::vector<double> values_;
  std::vector<PlacedRange> ranges_;
  std::map<int32_t, Version> versions_;
  std::vector<Placement> used_;
  std::map<UnreadableReason, SpanJoiner> unreadable_;
};

}  // namespace

absl::StatusOr<SignalOverview> SignalReader::GetOverview(const OverviewQuery& query,
                                                         absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(StreamInfoPtr stream,
                      FindStream(query.participant_id, query.stream_id, deadline));
  if (stream->kind != PayloadKind::kSamples) {
    return absl::InvalidArgumentError("stream_id: is a sampled stream");
  }
  const size_t channels = std::max<size_t>(stream->channels.size(), 1);
  if (query.width > kOverviewCellsMax / channels) {
    return absl::InvalidArgumentError(fmt::format("width: is at most {} for {} channels",
                                                  kOverviewCellsMax / channels, channels));
  }
  return OverviewRun(parts_, query, std::move(stream), deadline).Run();
}

}  // namespace tidemark::store
