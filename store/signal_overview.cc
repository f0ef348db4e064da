// SignalReader::GetOverview.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "core/signal/extremes.h"
#include "core/signal/load_value.h"
#include "core/signal/tile_rows.h"
#include "core/signal/tiles.h"
#include "store/epoch_cuts.h"
#include "store/placed_ranges.h"
#include "store/sealed_runs.h"
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
// Rows of live segments in memory. Where there are more, the sealer is off or far behind, and all
// chunks are walked over instead.
constexpr int64_t kTailRowsMax = 16'384;
// Rows that are fed from samples together.
constexpr size_t kUntiledRowsAtOnce = 512;
// Tiles in memory at one time: some kilobytes each.
constexpr size_t kTileRowsAtOnce = 128;
// How often a picture is begun anew because something in it was sealed meanwhile.
constexpr int kOverviewTriesMax = 4;

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

  // Bucket `index` of a level of tiles, into a bucket that is used again.
  void Place(const signal::TileColumns& tiles, size_t index, const Placement& placement,
             signal::Bucket& placed) const {
    placed.t_min_ns = placement.ToStudy(tiles.t_min_ns[index]);
    placed.t_max_ns = placement.ToStudy(tiles.t_max_ns[index]);
    placed.samples = tiles.samples[index];
    placed.channels.resize(sources_.size());
    for (size_t i = 0; i < sources_.size(); ++i) {
      if (!sources_[i]) {
        placed.channels[i] = {};
        continue;
      }
      const signal::TileColumns::Channel& channel = tiles.channels[*sources_[i]];
      placed.channels[i] =
          Physical(*sources_[i], {channel.finite[index], channel.min[index], channel.max[index]});
    }
  }

  // The samples [begin, end) of a block, likewise; the times are the caller's.
  void Place(const signal::Block& block, size_t begin, size_t end, signal::Bucket& placed) const {
    placed.samples = static_cast<uint32_t>(end - begin);
    placed.channels.resize(sources_.size());
    for (size_t i = 0; i < sources_.size(); ++i) {
      placed.channels[i] = {};
      if (!sources_[i]) continue;
      const signal::SampleType type = types_[*sources_[i]];
      const std::string_view bytes =
          signal::ChannelBytes(types_, *sources_[i], block.count(), block.values);
      placed.channels[i] = Physical(
          *sources_[i],
          signal::ExtremesOf(type, bytes.data() + begin * signal::BytesOf(type), end - begin));
    }
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
      values[i] = Physical(
          source, signal::LoadValue(types_[source],
                                    bytes.data() + index * signal::BytesOf(types_[source])));
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

// Whether a chunk was sealed in a run.
bool BelongsTo(const ChunkRow& row, const SealedRun& run) {
  return row.writer_id == run.writer_id && row.stream_version == run.stream_version &&
         row.number >= run.first_number && row.number <= run.last_number;
}

// One try of GetOverview:
//   1. the range of study time is inverted for every boot and clock that has chunks near it
//   2. of each of these, the sealed runs and the live chunks are found, as of one moment
//   3. their density decides between samples and tiles, and of each run between its levels
//   4. what overlaps is fed to the builder
//   5. the nearest chunks outside and those across an end give the samples beside the range
// Tiles know no border of consent: what lies across one is fed from its samples.
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

  // ABORTED: something was sealed or erased meanwhile, so that parts would be missing or double.
  absl::StatusOr<SignalOverview> Run() {
    TM_RETURN_IF_ERROR(FindRanges());
    const bool from_samples = ShouldReadSamples();
    for (const FoundRange& found : ranges_) {
      if (from_samples) {
        TM_RETURN_IF_ERROR(FeedSamples(found.placed));
      } else {
        TM_RETURN_IF_ERROR(FeedTiles(found));
      }
      TM_RETURN_IF_ERROR(FeedNeighbours(found.placed));
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
  struct PlacedStamps;
  // Which sample of a chunk to feed, if any; null for all of them.
  using Choice = std::optional<size_t> (*)(const PlacedStamps& placed,
                                           const signal::TimeRange& range);
  static constexpr Choice kAllSamples = nullptr;

  struct Version {
    StreamInfoPtr stream;
    ChannelMap channels;
    ConsentTimes shown;
  };
  struct FoundRange {
    PlacedRange placed;
    RunsAndTail stored;
  };

  absl::Status FindRanges() {
    TM_RETURN_IF_ERROR(RefuseCutBoots(target_, newest_->device_id));
    TM_ASSIGN_OR_RETURN(const std::vector<PlacedRange> placed,
                        FindPlacedRanges(target_, parts_.placements, newest_->device_id,
                                         query_.study_range, kEdgeNsMax));
    int64_t room = kTailRowsMax;
    for (const PlacedRange& each : placed) {
      TM_ASSIGN_OR_RETURN(RunsAndTail stored,
                          FindRuns(target_, newest_->study_id, each.range, room));
      room -= std::min<int64_t>(room, static_cast<int64_t>(stored.tail.size()));
      ranges_.push_back({each, std::move(stored)});
    }
    return absl::OkStatus();
  }

  db::BinaryParams ClockParams(const ScanRange& range) const {
    db::BinaryParams params;
    params.Add(query_.participant_id).Add(query_.stream_id);
    params.Add(range.boot_id).Add(static_cast<int32_t>(range.clock_id));
    return params;
  }

  double column_ns() const {
    const double range_ns = static_cast<double>(query_.study_range.end_ns) -
                            static_cast<double>(query_.study_range.begin_ns);
    return range_ns / static_cast<double>(query_.width);
  }

  // How much of a run lies in a range, by its times.
  static double PartInside(const SealedRun& run, const signal::TimeRange& device) {
    const double span_ns =
        static_cast<double>(run.t_max_ns) - static_cast<double>(run.t_min_ns) + 1;
    const double inside_ns = static_cast<double>(std::min(run.t_max_ns, device.end_ns)) -
                             static_cast<double>(std::max(run.t_min_ns, device.begin_ns)) + 1;
    return std::clamp(inside_ns / span_ns, 0.0, 1.0);
  }

  // Samples where tiles are too coarse for the picture, as long as they are few enough.
  bool ShouldReadSamples() const {
    double samples = 0;
    double covered_ns = 0;
    for (const FoundRange& found : ranges_) {
      for (const SealedRun& run : found.stored.runs) {
        const double part = PartInside(run, found.placed.range.device);
        samples += part * static_cast<double>(run.samples);
        covered_ns += part * static_cast<double>(run.covered_ns);
      }
      for (const ChunkRow& row : found.stored.tail) {
        if (row.is_erased()) continue;
        samples += row.sample_count;
        covered_ns += static_cast<double>(row.t_max_ns) - static_cast<double>(row.t_min_ns);
      }
    }
    if (samples > static_cast<double>(kOverviewSamplesMax)) return false;
    const double bucket_ns =
        covered_ns / std::max(samples, 1.0) * static_cast<double>(signal::kSamplesPerBucket);
    return column_ns() < kBucketsPerColumnMin * bucket_ns ||
           samples <= static_cast<double>(query_.width);
  }

  absl::Status FeedSamples(const PlacedRange& placed) {
    ChunkScan scan(target_, SegmentPart::kPayload);
    return scan.InRange(placed.range,
                        [&](const ChunkRow& row, const absl::StatusOr<OpenedSegment>& segment) {
                          return FeedBlock(placed.placement, row, segment, kAllSamples);
                        });
  }

  absl::Status FeedTiles(const FoundRange& found) {
    const PlacedRange& placed = found.placed;
    if (found.stored.tail_is_cut) {
      TM_RETURN_IF_ERROR(
          FeedChunks(placed, [&](ChunkScan& scan) { scan.BeginRange(placed.range); }));
    } else {
      TM_RETURN_IF_ERROR(FeedRuns(placed, found.stored.runs));
      TM_RETURN_IF_ERROR(
          FeedChunks(placed, [&](ChunkScan& scan) { scan.BeginRows(found.stored.tail); }));
    }
    TM_RETURN_IF_ERROR(FeedAcross(placed, placed.range.device.begin_ns, &NearestBefore));
    return FeedAcross(placed, placed.range.device.end_ns, &NearestAfter);
  }

  // Runs ---------------------------------------------------------------------------------------

  // The coarsest level of which kBucketsPerColumnMin buckets make a column.
  int16_t LevelOf(const SealedRun& run) const {
    const double sample_ns = static_cast<double>(run.covered_ns) /
                             static_cast<double>(std::max<int64_t>(run.samples, 1));
    double bucket_ns =
        sample_ns * static_cast<double>(signal::kSamplesPerBucket * signal::kTileFactor);
    int16_t level = 0;
    while (level + 1 < run.levels && kBucketsPerColumnMin * bucket_ns <= column_ns()) {
      bucket_ns *= static_cast<double>(signal::kTileFactor);
      ++level;
    }
    return level;
  }

  absl::Status FeedRuns(const PlacedRange& placed, std::span<const SealedRun> runs) {
    for (; !runs.empty(); runs = runs.subspan(std::min(runs.size(), kTileRowsAtOnce))) {
      const std::span<const SealedRun> some = runs.first(std::min(runs.size(), kTileRowsAtOnce));
      std::vector<RunId> ids;
      std::vector<int16_t> levels;
      for (const SealedRun& run : some) {
        ids.push_back(run.run_id);
        levels.push_back(LevelOf(run));
      }
      TM_ASSIGN_OR_RETURN(const auto tiles, FetchTiles(target_, ids, levels));
      for (size_t i = 0; i < some.size(); ++i) {
        TM_RETURN_IF_ERROR(FeedRun(placed, some[i], tiles[i]));
      }
    }
    return absl::OkStatus();
  }

  absl::Status FeedRun(const PlacedRange& placed, const SealedRun& run,
                       const absl::StatusOr<std::string>& coded) {
    const signal::TimeRange span = placed.placement.ToStudySpan(run.t_min_ns, run.t_max_ns);
    if (absl::IsNotFound(coded.status())) {
      Remember(span, UnreadableReason::kErased);
      return absl::OkStatus();
    }
    TM_ASSIGN_OR_RETURN(const Version* const version, VersionOf(run.stream_version));
    const absl::StatusOr<signal::TileColumns> tiles =
        coded.ok() ? signal::DecodeTiles(version->channels.types(), *coded)
                   : absl::StatusOr<signal::TileColumns>(coded.status());
    if (!tiles.ok()) {
      // Nothing is lost with it: samples say the same.
      LogError("stored tiles are damaged: {}", tiles.status().ToString());
      return FeedSamplesOf(placed, run, placed.range.device);
    }
    const bool all_shown = version->shown.Covers(span);
    for (size_t i = 0; i < tiles->size(); ++i) {
      version->channels.Place(*tiles, i, placed.placement, bucket_);
      if (all_shown) {
        builder_.AddBucket(bucket_);
      } else {
        TM_RETURN_IF_ERROR(
            FeedJudged(placed, run, *version, {tiles->t_min_ns[i], tiles->t_max_ns[i]}));
      }
    }
    Used(placed.placement);
    return absl::OkStatus();
  }

  // bucket_, of a run that may not be shown whole; `device` are its first and last stamp.
  absl::Status FeedJudged(const PlacedRange& placed, const SealedRun& run, const Version& version,
                          const signal::TimeRange& device) {
    const signal::TimeRange span = placed.placement.ToStudySpan(device.begin_ns, device.end_ns);
    version.shown.Split(span, [&](const signal::TimeRange& part, bool is_shown) {
      if (!is_shown) Remember(part, UnreadableReason::kNoConsent);
    });
    if (!version.shown.Touches(span)) return absl::OkStatus();
    if (!version.shown.Covers(span)) {
      return FeedSamplesOf(placed, run, {device.begin_ns, SaturatingAdd(device.end_ns, 1)});
    }
    builder_.AddBucket(bucket_);
    return absl::OkStatus();
  }

  // What of a run lies in a range of device time, from its samples.
  absl::Status FeedSamplesOf(const PlacedRange& placed, const SealedRun& run,
                             const signal::TimeRange& device) {
    ChunkScan scan(target_, SegmentPart::kPayload);
    const ScanRange range{placed.range.boot_id, placed.range.clock_id, device};
    return scan.InRange(
        range, [&](const ChunkRow& row, const absl::StatusOr<OpenedSegment>& segment) {
          if (!BelongsTo(row, run)) return absl::OkStatus();
          return FeedOrRemember(placed.placement, row, segment, [&](const OpenedSegment& opened) {
            return FeedChosen(placed.placement, row, opened, kAllSamples, &device);
          });
        });
  }

  // Chunks -------------------------------------------------------------------------------------

  // From their tiles, or from their samples where they have none or where consent begins or ends.
  template <class BeginWalk>
  absl::Status FeedChunks(const PlacedRange& placed, BeginWalk begin) {
    ChunkScan scan(target_, SegmentPart::kTiles);
    std::vector<ChunkRow> untiled;
    begin(scan);
    for (bool more = true; more;) {
      TM_ASSIGN_OR_RETURN(
          more, scan.Next([&](const ChunkRow& row, const absl::StatusOr<OpenedSegment>& segment) {
            return FeedOrRemember(
                placed.placement, row, segment, [&](const OpenedSegment& opened) -> absl::Status {
                  TM_ASSIGN_OR_RETURN(const Version* const version, VersionOf(row.stream_version));
                  const bool whole = version->shown.Covers(SpanOf(placed.placement, row));
                  if (whole && !opened.packed().empty()) {
                    return FeedBuckets(placed.placement, row, opened);
                  }
                  untiled.push_back(row);
                  return absl::OkStatus();
                });
          }));
      if (untiled.empty() || (more && untiled.size() < kUntiledRowsAtOnce)) continue;
      TM_RETURN_IF_ERROR(FeedUntiled(placed, std::exchange(untiled, {})));
    }
    return absl::OkStatus();
  }

  absl::Status FeedUntiled(const PlacedRange& placed, std::vector<ChunkRow> rows) {
    ChunkScan scan(target_, SegmentPart::kPayload);
    scan.BeginRows(std::move(rows));
    for (bool more = true; more;) {
      TM_ASSIGN_OR_RETURN(
          more, scan.Next([&](const ChunkRow& row, const absl::StatusOr<OpenedSegment>& segment) {
            return FeedBlock(placed.placement, row, segment, kAllSamples);
          }));
    }
    return absl::OkStatus();
  }

  // Of the chunks across an end of the range the sample beside it.
  absl::Status FeedAcross(const PlacedRange& placed, int64_t end_device_ns, Choice choose) {
    ChunkScan scan(target_, SegmentPart::kPayload);
    scan.BeginRange({placed.range.boot_id,
                     placed.range.clock_id,
                     {SaturatingAdd(end_device_ns, -1), SaturatingAdd(end_device_ns, 2)}});
    size_t fed = 0;
    for (bool more = true; more && fed < kEdgeChunksMax; ++fed) {
      TM_ASSIGN_OR_RETURN(
          more, scan.Next([&](const ChunkRow& row, const absl::StatusOr<OpenedSegment>& segment) {
            return FeedBlock(placed.placement, row, segment, choose);
          }));
    }
    return absl::OkStatus();
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

  static std::optional<size_t> NearestBefore(const PlacedStamps& placed,
                                             const signal::TimeRange& range) {
    std::optional<size_t> chosen;
    for (size_t i = 0; i < placed.study_ns.size(); ++i) {
      if (!placed.usable[i] || placed.study_ns[i] >= range.begin_ns) continue;
      if (!chosen || placed.study_ns[i] >= placed.study_ns[*chosen]) chosen = i;
    }
    return chosen;
  }
  static std::optional<size_t> NearestAfter(const PlacedStamps& placed,
                                            const signal::TimeRange& range) {
    std::optional<size_t> chosen;
    for (size_t i = 0; i < placed.study_ns.size(); ++i) {
      if (!placed.usable[i] || placed.study_ns[i] < range.end_ns) continue;
      if (!chosen || placed.study_ns[i] < placed.study_ns[*chosen]) chosen = i;
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
    return scan.One(row, [&](const ChunkRow& each, const absl::StatusOr<OpenedSegment>& segment) {
      return FeedBlock(placement, each, segment, choose);
    });
  }

  static signal::TimeRange SpanOf(const Placement& placement, const ChunkRow& row) {
    return placement.ToStudySpan(row.t_min_ns, row.t_max_ns);
  }

  // Feeds what `feed` can read of a chunk; what is erased, damaged or may not be shown is
  // remembered instead.
  template <class Feed>
  absl::Status FeedOrRemember(const Placement& placement, const ChunkRow& row,
                              const absl::StatusOr<OpenedSegment>& segment, Feed feed) {
    if (row.kind != PayloadKind::kSamples) return absl::OkStatus();
    if (!absl::IsNotFound(segment.status())) {
      TM_ASSIGN_OR_RETURN(const Version* const version, VersionOf(row.stream_version));
      const signal::TimeRange span = SpanOf(placement, row);
      version->shown.Split(span, [&](const signal::TimeRange& part, bool is_shown) {
        if (!is_shown) Remember(part, UnreadableReason::kNoConsent);
      });
      if (!version->shown.Touches(span)) return absl::OkStatus();
    }
    const absl::Status fed = segment.ok() ? feed(*segment) : segment.status();
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
                         const absl::StatusOr<OpenedSegment>& segment, Choice choose) {
    return FeedOrRemember(placement, row, segment, [&](const OpenedSegment& opened) {
      return FeedChosen(placement, row, opened, choose, /*device=*/nullptr);
    });
  }

  // The samples of a chunk by where they stand; `usable` are plausible, may be shown, and have
  // stamps in `device` if there is one.
  struct PlacedStamps {
    std::vector<int64_t> study_ns;
    std::vector<uint8_t> usable;
  };
  PlacedStamps Place(const Placement& placement, const ChunkRow& row, const Version& version,
                     const signal::Stamps& stamps, const signal::TimeRange* device) const {
    PlacedStamps placed{stamps.ToVector(), {}};
    placed.usable.resize(placed.study_ns.size());
    const bool all_shown = version.shown.Covers(SpanOf(placement, row));
    for (size_t i = 0; i < placed.study_ns.size(); ++i) {
      const int64_t device_ns = placed.study_ns[i];
      placed.study_ns[i] = placement.ToStudy(device_ns);
      placed.usable[i] =
          device_ns >= row.t_min_ns && device_ns <= row.t_max_ns &&
          (device == nullptr || (device_ns >= device->begin_ns && device_ns < device->end_ns)) &&
          (all_shown || version.shown.Contains(placed.study_ns[i]));
    }
    return placed;
  }

  // With `device` only of the samples that have stamps in it.
  absl::Status FeedChosen(const Placement& placement, const ChunkRow& row,
                          const OpenedSegment& opened, Choice choose,
                          const signal::TimeRange* device) {
    TM_ASSIGN_OR_RETURN(const Version* const version, VersionOf(row.stream_version));
    TM_ASSIGN_OR_RETURN(const signal::Block block, LoadSamples(*version->stream, row, opened));
    const PlacedStamps placed = Place(placement, row, *version, block.stamps, device);
    if (choose == nullptr) {
      FeedAll(placement, *version, block, placed);
      return absl::OkStatus();
    }
    if (const auto chosen = choose(placed, query_.study_range)) {
      FeedSample(placement, *version, block, placed, *chosen);
    }
    return absl::OkStatus();
  }

  void FeedSample(const Placement& placement, const Version& version, const signal::Block& block,
                  const PlacedStamps& placed, size_t index) {
    version.channels.Sample(block, index, values_);
    builder_.AddSample(placed.study_ns[index], values_);
    Used(placement);
  }

  // Samples that fall into one column without a gap between them go in together.
  void FeedAll(const Placement& placement, const Version& version, const signal::Block& block,
               const PlacedStamps& placed) {
    const signal::TimeRange& range = query_.study_range;
    const std::vector<int64_t>& study_ns = placed.study_ns;
    for (size_t begin = 0; begin < study_ns.size();) {
      if (!placed.usable[begin]) {
        ++begin;
        continue;
      }
      if (study_ns[begin] < range.begin_ns || study_ns[begin] >= range.end_ns) {
        FeedSample(placement, version, block, placed, begin++);
        continue;
      }
      const signal::TimeRange column = builder_.ColumnAt(study_ns[begin]);
      bucket_.t_min_ns = bucket_.t_max_ns = study_ns[begin];
      size_t end = begin + 1;
      for (; end < study_ns.size() && placed.usable[end]; ++end) {
        const int64_t t_ns = study_ns[end];
        const bool goes_on = t_ns >= column.begin_ns && t_ns < column.end_ns &&
                             t_ns >= bucket_.t_max_ns &&
                             SaturatingAdd(bucket_.t_max_ns, gap_ns_) >= t_ns;
        if (!goes_on) break;
        bucket_.t_max_ns = t_ns;
      }
      version.channels.Place(block, begin, end, bucket_);
      builder_.AddBucket(bucket_);
      begin = end;
    }
    Used(placement);
  }

  absl::Status FeedBuckets(const Placement& placement, const ChunkRow& row,
                           const OpenedSegment& opened) {
    TM_ASSIGN_OR_RETURN(const Version* const version, VersionOf(row.stream_version));
    TM_ASSIGN_OR_RETURN(const std::string_view coded, FindTiles(opened.packed(), row.segment_slot));
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

  absl::StatusOr<const Version*> VersionOf(int32_t stream_version) {
    if (const auto found = versions_.find(stream_version); found != versions_.end()) {
      return &found->second;
    }
    TM_ASSIGN_OR_RETURN(StreamInfoPtr stream,
                        parts_.catalog->Find(query_.participant_id, query_.stream_id,
                                             stream_version, target_.deadline));
    ChannelMap channels(*stream, *newest_);
    TM_ASSIGN_OR_RETURN(ShownTimes shown,
                        FindShownTimes(*parts_.consent, *stream, target_.deadline));
    const auto added = versions_.emplace(
        stream_version, Version{std::move(stream), std::move(channels), std::move(shown.placed)});
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
  signal::Bucket bucket_;
  std::vector<FoundRange> ranges_;
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
  for (int tries = 1;; ++tries) {
    absl::StatusOr<SignalOverview> overview = OverviewRun(parts_, query, stream, deadline).Run();
    if (!absl::IsAborted(overview.status())) return overview;
    if (tries == kOverviewTriesMax) return absl::UnavailableError(overview.status().message());
  }
}

}  // namespace tidemark::store
