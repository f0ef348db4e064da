#include "store/sample_reading.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/status_macros.h"
#include "store/epoch_cuts.h"
#include "store/placed_ranges.h"
#include "store/sql.h"
#include "store/stored_chunk.h"

namespace tidemark::store {
namespace {

// Unreadable chunks further apart than this are told apart.
constexpr int64_t kPauseNsMax = 10'000'000'000;
// Placements that are remembered: chunks of one writer change their boot rarely.
constexpr size_t kPlacementsKept = 1'024;

using VisitBlock = absl::FunctionRef<absl::Status(const ReadBlock&)>;

// The samples of a chunk that may be shown where some may not: what its plausible stamps say. An
// outlier stamp does not tell when its sample was taken.
struct Shown {
  const ChunkRow& row;
  const Placement& placement;
  const ConsentTimes& times;

  bool IsPlausible(int64_t stamp_ns) const {
    return stamp_ns >= row.t_min_ns && stamp_ns <= row.t_max_ns;
  }
  bool operator()(int64_t stamp_ns) const {
    return IsPlausible(stamp_ns) && times.Contains(placement.ToStudy(stamp_ns));
  }
};

// Which samples of a chunk are wanted.
struct Inside {
  const signal::TimeRange* range = nullptr;  // null: all of them
  const Placement* placement = nullptr;      // not null: the range is of study time
  const Shown* shown = nullptr;              // null: all of them

  bool operator()(int64_t stamp_ns) const {
    if (shown != nullptr && !(*shown)(stamp_ns)) return false;
    if (range == nullptr) return true;
    const int64_t t_ns = placement == nullptr ? stamp_ns : placement->ToStudy(stamp_ns);
    return t_ns >= range->begin_ns && t_ns < range->end_ns;
  }
};

// A stretch of a chunk's samples that may not be shown.
struct HiddenPart {
  signal::TimeRange device;
  int64_t samples = 0;
  bool comes_first = false;  // before every sample that may be shown
};

std::vector<HiddenPart> HiddenParts(const Shown& shown, const std::vector<int64_t>& stamps) {
  std::vector<HiddenPart> parts;
  bool comes_first = true;
  const auto take = [&](const signal::TimeRange& study, bool is_shown) {
    if (is_shown) comes_first = false;
    if (is_shown) return;
    HiddenPart part;
    part.comes_first = comes_first;
    for (const int64_t stamp_ns : stamps) {
      const int64_t t_ns = shown.placement.ToStudy(stamp_ns);
      if (!shown.IsPlausible(stamp_ns) || t_ns < study.begin_ns || t_ns >= study.end_ns) continue;
      const bool is_first = part.samples++ == 0;
      part.device.begin_ns = is_first ? stamp_ns : std::min(part.device.begin_ns, stamp_ns);
      part.device.end_ns =
          std::max(is_first ? stamp_ns : part.device.end_ns, SaturatingAdd(stamp_ns, 1));
    }
    if (part.samples > 0) parts.push_back(part);
  };
  shown.times.Split(shown.placement.ToStudySpan(shown.row.t_min_ns, shown.row.t_max_ns), take);
  return parts;
}

absl::StatusOr<std::vector<size_t>> ChannelIndexes(const StreamInfo& stream,
                                                   const std::vector<std::string>& names) {
  std::vector<size_t> indexes;
  for (size_t i = 0; names.empty() && i < stream.channels.size(); ++i) indexes.push_back(i);
  for (const std::string& name : names) {
    const auto found = std::find_if(stream.channels.begin(), stream.channels.end(),
                                    [&](const ChannelInfo& each) { return each.name == name; });
    if (found == stream.channels.end()) {
      return absl::InvalidArgumentError(
          fmt::format("channels: version {} of the stream has no such channel", stream.version));
    }
    indexes.push_back(static_cast<size_t>(found - stream.channels.begin()));
  }
  return indexes;
}

// Cuts one chunk into blocks and hands them out.
class BlockCutter {
 public:
  BlockCutter(const StreamInfo& stream, const ChunkRow& row, const Placement* placement,
              VisitBlock visit)
      : stream_(stream), row_(row), placement_(placement), visit_(visit) {}

  absl::Status Samples(const signal::Block& block, const std::vector<size_t>& channels,
                       const Inside& inside) const {
    const std::vector<int64_t> stamps = block.stamps.ToVector();
    const std::vector<signal::SampleType> types = stream_.channel_types();
    size_t sample_bytes = sizeof(int64_t);
    for (const size_t channel : channels) sample_bytes += signal::BytesOf(types[channel]);
    const size_t run_max = std::max<size_t>(kBlockBytesMax / sample_bytes, 1);
    for (size_t begin = 0; begin < stamps.size();) {
      if (!inside(stamps[begin])) {
        ++begin;
        continue;
      }
      size_t end = begin + 1;
      while (end < stamps.size() && end - begin < run_max && inside(stamps[end])) ++end;
      TM_RETURN_IF_ERROR(Run(block, stamps, types, channels, begin, end));
      begin = end;
    }
    return absl::OkStatus();
  }

  absl::Status Encoded(const EncodedSegment& segment) const {
    const int64_t stamps[] = {segment.begin_device_ns, segment.end_device_ns};
    return visit_({.stream = stream_,
                   .chunk = row_,
                   .placement = placement_,
                   .first_counter = static_cast<uint64_t>(row_.first_counter),
                   .count = 1,
                   .stamps_ns = stamps,
                   .values = {},
                   .encoded = segment.data});
  }

 private:
  absl::Status Run(const signal::Block& block, const std::vector<int64_t>& stamps,
                   const std::vector<signal::SampleType>& types,
                   const std::vector<size_t>& channels, size_t begin, size_t end) const {
    std::string values;
    for (const size_t channel : channels) {
      const size_t width = signal::BytesOf(types[channel]);
      values += signal::ChannelBytes(types, channel, stamps.size(), block.values)
                    .substr(begin * width, (end - begin) * width);
    }
    return visit_({.stream = stream_,
                   .chunk = row_,
                   .placement = placement_,
                   .first_counter = static_cast<uint64_t>(row_.first_counter) + begin,
                   .count = static_cast<uint32_t>(end - begin),
                   .stamps_ns = std::span(stamps).subspan(begin, end - begin),
                   .values = values,
                   .encoded = {}});
  }

  const StreamInfo& stream_;
  const ChunkRow& row_;
  const Placement* const placement_;
  const VisitBlock visit_;
};

bool Continues(const UnreadableChunks& run, const UnreadableChunks& next) {
  return run.reason == next.reason && run.writer_id == next.writer_id &&
         run.boot_id == next.boot_id && run.clock_id == next.clock_id &&
         run.last_number + 1 == next.first_number &&
         next.device.begin_ns <= SaturatingAdd(run.device.end_ns, kPauseNsMax) &&
         run.device.begin_ns <= SaturatingAdd(next.device.end_ns, kPauseNsMax);
}

}  // namespace

SampleReading::SampleReading(Parts parts, SampleQuery query)
    : parts_(parts), query_(std::move(query)), scan_(parts_.target, SegmentPart::kPayload) {}

SampleReading::~SampleReading() = default;

absl::StatusOr<bool> SampleReading::Next(const SampleVisitor& visitor) {
  if (!planned_) TM_RETURN_IF_ERROR(Plan());
  planned_ = true;
  while (true) {
    if (!walking_) {
      TM_ASSIGN_OR_RETURN(walking_, BeginLeg());
      if (!walking_) return End(visitor);
    }
    TM_ASSIGN_OR_RETURN(walking_, scan_.Next([&](const ChunkRow& row,
                                                 const absl::StatusOr<OpenedSegment>& segment) {
      return Read(row, segment, visitor);
    }));
    if (walking_) return true;
    ++leg_;
  }
}

absl::Status SampleReading::Plan() {
  if (const auto* study = std::get_if<StudyRange>(&query_.range)) {
    return PlanStudyRange(study->study);
  }
  const auto* const device = std::get_if<ScanRange>(&query_.range);
  legs_.push_back({device == nullptr ? std::nullopt : std::optional(*device), std::nullopt});
  return absl::OkStatus();
}

absl::Status SampleReading::PlanStudyRange(const signal::TimeRange& study) {
  TM_ASSIGN_OR_RETURN(const std::vector<PlacedRange> placed,
                      FindPlacedRanges(parts_.target, parts_.placements, parts_.device_id, study,
                                       /*margin_ns=*/0));
  for (const PlacedRange& each : placed) legs_.push_back({each.range, each.placement});
  return absl::OkStatus();
}

absl::StatusOr<bool> SampleReading::BeginLeg() {
  if (leg_ == legs_.size()) return false;
  const Leg& leg = legs_[leg_];
  if (leg.scan) {
    scan_.BeginRange(*leg.scan);
  } else {
    scan_.BeginEverything();
  }
  return true;
}

// Before PlacementOf(row).
absl::Status SampleReading::FindPlacement(const ChunkRow& row) {
  const ClockKey key{row.boot_id, static_cast<uint32_t>(row.clock_id)};
  if (legs_[leg_].placement || by_clock_.contains(key)) return absl::OkStatus();
  if (by_clock_.size() >= kPlacementsKept) by_clock_.clear();
  const DeviceClock clock{parts_.device_id, key.first, key.second};
  TM_ASSIGN_OR_RETURN(
      const auto found,
      parts_.placements->For(query_.participant_id, std::span(&clock, 1), parts_.target.deadline));
  by_clock_.emplace(key, found.front());
  return absl::OkStatus();
}

const Placement* SampleReading::PlacementOf(const ChunkRow& row) const {
  if (legs_[leg_].placement) return &*legs_[leg_].placement;
  const auto& found = by_clock_.at({row.boot_id, static_cast<uint32_t>(row.clock_id)});
  return found ? &*found : nullptr;
}

absl::Status SampleReading::Read(const ChunkRow& row, const absl::StatusOr<OpenedSegment>& segment,
                                 const SampleVisitor& visitor) {
  if (row.kind == PayloadKind::kRecords) return absl::OkStatus();
  TM_RETURN_IF_ERROR(FindPlacement(row));
  if (absl::IsNotFound(segment.status())) {
    return AddUnreadable(row, UnreadableReason::kErased, visitor);
  }
  TM_ASSIGN_OR_RETURN(const std::shared_ptr<const StreamInfo> stream,
                      parts_.catalog->Find(row.participant_id, row.stream_id, row.stream_version,
                                           parts_.target.deadline));
  TM_ASSIGN_OR_RETURN(const ShownTimes shown,
                      FindShownTimes(*parts_.consent, *stream, parts_.target.deadline));
  if (IsHidden(row, shown)) return AddUnreadable(row, UnreadableReason::kNoConsent, visitor);
  if (absl::IsDataLoss(segment.status())) {
    if (first_damage_.ok()) first_damage_ = segment.status();
    return AddUnreadable(row, UnreadableReason::kDamaged, visitor);
  }
  if (!segment.ok()) return segment.status();
  return ReadIntact(row, *stream, shown.placed, *segment, visitor);
}

// An encoded segment cannot be cut.
bool SampleReading::IsHidden(const ChunkRow& row, const ShownTimes& shown) const {
  const Placement* const placement = PlacementOf(row);
  if (placement == nullptr) return !shown.ShowsUnplaced(row.arrived_at_us);
  const signal::TimeRange study = placement->ToStudySpan(row.t_min_ns, row.t_max_ns);
  return row.kind == PayloadKind::kEncoded ? !shown.placed.Covers(study)
                                           : !shown.placed.Touches(study);
}

absl::Status SampleReading::ReadIntact(const ChunkRow& row, const StreamInfo& stream,
                                       const ConsentTimes& shown, const OpenedSegment& segment,
                                       const SampleVisitor& visitor) {
  if (row.kind == PayloadKind::kEncoded) {
    const absl::StatusOr<EncodedSegment> encoded = LoadEncoded(row, segment);
    if (!encoded.ok()) return AddUnreadable(row, ReasonOf(encoded.status()), visitor);
    TM_RETURN_IF_ERROR(Flush(visitor));
    return BlockCutter(stream, row, PlacementOf(row), visitor.block).Encoded(*encoded);
  }
  const absl::StatusOr<signal::Block> block = LoadSamples(stream, row, segment);
  if (!block.ok()) return AddUnreadable(row, ReasonOf(block.status()), visitor);
  return ReadSamples(row, stream, shown, *block, visitor);
}

absl::Status SampleReading::ReadSamples(const ChunkRow& row, const StreamInfo& stream,
                                        const ConsentTimes& times, const signal::Block& block,
                                        const SampleVisitor& visitor) {
  TM_ASSIGN_OR_RETURN(const std::vector<size_t> channels, ChannelIndexes(stream, query_.channels));
  const Placement* const placement = PlacementOf(row);
  std::optional<Shown> shown;
  std::vector<HiddenPart> hidden;
  if (placement != nullptr && !times.Covers(placement->ToStudySpan(row.t_min_ns, row.t_max_ns))) {
    shown.emplace(Shown{row, *placement, times});
    hidden = HiddenParts(*shown, block.stamps.ToVector());
  }
  const auto add_hidden = [&](bool comes_first) -> absl::Status {
    for (const HiddenPart& part : hidden) {
      if (part.comes_first != comes_first) continue;
      TM_RETURN_IF_ERROR(
          AddUnreadable(row, UnreadableReason::kNoConsent, part.device, part.samples, visitor));
    }
    return absl::OkStatus();
  };
  TM_RETURN_IF_ERROR(add_hidden(/*comes_first=*/true));
  TM_RETURN_IF_ERROR(Flush(visitor));
  Inside inside;
  if (shown) inside.shown = &*shown;
  if (!query_.whole_chunks) {
    const auto* const study = std::get_if<StudyRange>(&query_.range);
    const auto* const device = std::get_if<ScanRange>(&query_.range);
    if (study != nullptr) inside.range = &study->study;
    if (study != nullptr) inside.placement = placement;
    if (device != nullptr) inside.range = &device->device;
  }
  TM_RETURN_IF_ERROR(
      BlockCutter(stream, row, placement, visitor.block).Samples(block, channels, inside));
  return add_hidden(/*comes_first=*/false);
}

// The plausible stamps of a chunk within the range asked for; end <= begin if none is.
signal::TimeRange SampleReading::InsideOf(const ChunkRow& row) const {
  signal::TimeRange inside{row.t_min_ns, SaturatingAdd(row.t_max_ns, 1)};
  const Leg& leg = legs_[leg_];
  if (query_.whole_chunks || !leg.scan) return inside;
  // A range that was inverted is a nanosecond too wide on both sides.
  const int64_t margin_ns = leg.placement ? 1 : 0;
  inside.begin_ns = std::max(inside.begin_ns, SaturatingAdd(leg.scan->device.begin_ns, margin_ns));
  inside.end_ns = std::min(inside.end_ns, SaturatingAdd(leg.scan->device.end_ns, -margin_ns));
  return inside;
}

absl::Status SampleReading::AddUnreadable(const ChunkRow& row, UnreadableReason reason,
                                          const SampleVisitor& visitor) {
  return AddUnreadable(row, reason, {row.t_min_ns, SaturatingAdd(row.t_max_ns, 1)},
                       row.sample_count, visitor);
}

absl::Status SampleReading::AddUnreadable(const ChunkRow& row, UnreadableReason reason,
                                          const signal::TimeRange& device, int64_t samples,
                                          const SampleVisitor& visitor) {
  signal::TimeRange inside = InsideOf(row);
  inside.begin_ns = std::max(inside.begin_ns, device.begin_ns);
  inside.end_ns = std::min(inside.end_ns, device.end_ns);
  if (inside.end_ns <= inside.begin_ns) return absl::OkStatus();
  if (reason == UnreadableReason::kDamaged) ++damaged_chunks_;
  const UnreadableChunks next{.reason = reason,
                              .stream_id = row.stream_id,
                              .writer_id = row.writer_id,
                              .first_number = row.number,
                              .last_number = row.number,
                              .boot_id = row.boot_id,
                              .clock_id = row.clock_id,
                              .device = inside,
                              .samples = samples};
  if (pending_ && Continues(pending_->chunks, next)) {
    UnreadableChunks& run = pending_->chunks;
    run.last_number = next.last_number;
    run.device.begin_ns = std::min(run.device.begin_ns, next.device.begin_ns);
    run.device.end_ns = std::max(run.device.end_ns, next.device.end_ns);
    run.samples += next.samples;
    return absl::OkStatus();
  }
  TM_RETURN_IF_ERROR(Flush(visitor));
  const Placement* const placement = PlacementOf(row);
  pending_ = Pending{next, placement == nullptr ? std::nullopt : std::optional(*placement)};
  return absl::OkStatus();
}

absl::Status SampleReading::Flush(const SampleVisitor& visitor) {
  if (!pending_) return absl::OkStatus();
  const Pending piece = *std::exchange(pending_, std::nullopt);
  return visitor.unreadable({piece.chunks, piece.placement ? &*piece.placement : nullptr});
}

absl::Status SampleReading::GiveQuarantined(const SampleVisitor& visitor) {
  db::BinaryParams params;
  params.Add(query_.participant_id).Add(query_.stream_id);
  TM_ASSIGN_OR_RETURN(const db::BinaryResult rows,
                      parts_.target.pool->Query(query_.participant_id, sql::kListSetAside, params,
                                                parts_.target.deadline));
  TM_RETURN_IF_ERROR((rows.Expect<Uuid, int64_t, int64_t>()));
  for (int i = 0; i < rows.rows(); ++i) {
    UnreadableChunks chunks{.reason = UnreadableReason::kQuarantined,
                            .stream_id = query_.stream_id,
                            .writer_id = WriterId{rows.UuidAt(i, 0)},
                            .first_number = rows.Int64(i, 1),
                            .last_number = rows.Int64(i, 2),
                            .boot_id = {},
                            .device = {}};
    TM_RETURN_IF_ERROR(visitor.unreadable({chunks, nullptr}));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> SampleReading::End(const SampleVisitor& visitor) {
  TM_RETURN_IF_ERROR(Flush(visitor));
  if (std::holds_alternative<EverythingRange>(query_.range)) {
    TM_RETURN_IF_ERROR(GiveQuarantined(visitor));
  }
  if (damaged_chunks_ == 0) return false;
  const std::string cause =
      first_damage_.ok() ? "" : fmt::format("; first: {}", std::string(first_damage_.message()));
  return absl::DataLossError(fmt::format("{} stored chunks are damaged{}", damaged_chunks_, cause));
}

}  // namespace tidemark::store
