#include "store/signal_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/endian.h"
#include "base/status_macros.h"
#include "store/placed_ranges.h"
#include "store/stored_chunk.h"

namespace tidemark::store {
namespace {

using Visit = absl::FunctionRef<absl::Status(const ReadBlock&)>;

// Adds which chunk it was; a number says nothing about a person.
absl::Status OfChunk(const absl::Status& status, const ChunkRow& row) {
  return absl::Status(status.code(),
                      fmt::format("chunk {}: {}", row.number, std::string(status.message())));
}

// Which samples of a chunk are wanted.
struct Inside {
  const signal::TimeRange* range;  // null: all of them
  const Placement* placement;      // not null: the range is of study time

  bool operator()(int64_t stamp_ns) const {
    if (range == nullptr) return true;
    const int64_t t_ns = placement == nullptr ? stamp_ns : placement->ToStudy(stamp_ns);
    return t_ns >= range->begin_ns && t_ns < range->end_ns;
  }
};

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
              Visit visit)
      : stream_(stream), row_(row), placement_(placement), visit_(visit) {}

  absl::Status Samples(const signal::Block& block, const std::vector<size_t>& channels,
                       const Inside& inside) const {
    const std::vector<int64_t> stamps = block.stamps.ToVector();
    const std::vector<signal::SampleType> types = stream_.channel_types();
    size_t sample_bytes = sizeof(int64_t);
    for (const size_t channel : channels) sample_bytes += signal::BytesOf(types[channel]);
    const size_t run_max = std::max<size_t>(SignalReader::kBlockBytesMax / sample_bytes, 1);
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
  const Visit visit_;
};

// Reads the chunks of one query that a walk comes by.
class SampleVisitor {
 public:
  SampleVisitor(StreamCatalog& catalog, const SampleQuery& query, absl::Time deadline, Visit visit)
      : catalog_(catalog), query_(query), deadline_(deadline), visit_(visit) {}

  absl::Status operator()(const ChunkRow& row, const absl::StatusOr<std::string>& packed,
                          const Placement* placement, Inside inside) const {
    if (absl::IsNotFound(packed.status()) || row.kind == PayloadKind::kRecords) {
      return absl::OkStatus();
    }
    if (!packed.ok()) return OfChunk(packed.status(), row);
    if (query_.whole_chunks) inside.range = nullptr;
    TM_ASSIGN_OR_RETURN(const StreamInfoPtr stream, catalog_.Find(row.participant_id, row.stream_id,
                                                                  row.stream_version, deadline_));
    const BlockCutter cutter(*stream, row, placement, visit_);
    if (row.kind == PayloadKind::kEncoded) {
      const absl::StatusOr<EncodedSegment> segment = LoadEncoded(row, *packed);
      return segment.ok() ? cutter.Encoded(*segment) : OfChunk(segment.status(), row);
    }
    TM_ASSIGN_OR_RETURN(const std::vector<size_t> channels,
                        ChannelIndexes(*stream, query_.channels));
    const absl::StatusOr<signal::Block> block = LoadSamples(*stream, row, *packed);
    return block.ok() ? cutter.Samples(*block, channels, inside) : OfChunk(block.status(), row);
  }

 private:
  StreamCatalog& catalog_;
  const SampleQuery& query_;
  const absl::Time deadline_;
  const Visit visit_;
};

using ClockKey = std::pair<BootId, uint32_t>;

std::map<ClockKey, Placement> ByClock(const std::vector<DevicePlacement>& placements) {
  std::map<ClockKey, Placement> by_clock;
  for (const DevicePlacement& each : placements) {
    by_clock.emplace(ClockKey{each.placement.boot_id, each.placement.clock_id}, each.placement);
  }
  return by_clock;
}

const Placement* FindClock(const std::map<ClockKey, Placement>& by_clock, const ClockKey& key) {
  const auto found = by_clock.find(key);
  return found == by_clock.end() ? nullptr : &found->second;
}

absl::Status ReadStudyRange(ChunkScan& scan, const ChunkScan::Target& target,
                            const signal::TimeRange& study,
                            const std::vector<DevicePlacement>& placements,
                            const SampleVisitor& read) {
  const std::vector<PlacedRange> placed = InvertRange(placements, study);
  std::vector<ScanRange> ranges;
  for (const PlacedRange& each : placed) ranges.push_back(each.range);
  TM_ASSIGN_OR_RETURN(const std::vector<size_t> live, RangesWithChunks(target, ranges));
  for (const size_t at : live) {
    const Placement& placement = placed[at].placement;
    TM_RETURN_IF_ERROR(scan.InRange(
        placed[at].range, [&](const ChunkRow& row, const absl::StatusOr<std::string>& packed) {
          return read(row, packed, &placement, {&study, &placement});
        }));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StreamInfoPtr> SignalReader::FindStream(ParticipantId participant, StreamId stream,
                                                       absl::Time deadline) {
  TM_ASSIGN_OR_RETURN(const std::vector<StreamInfoPtr> streams,
                      parts_.catalog->List(participant, deadline));
  for (const StreamInfoPtr& info : streams) {
    if (info->stream_id == stream) return info;
  }
  return absl::NotFoundError("the participant has no such stream");
}

absl::Status SignalReader::ReadSamples(const SampleQuery& query, absl::Time deadline, Visit visit) {
  TM_ASSIGN_OR_RETURN(const StreamInfoPtr stream,
                      FindStream(query.participant_id, query.stream_id, deadline));
  if (stream->kind == PayloadKind::kRecords) {
    return absl::InvalidArgumentError("stream_ids: a stream of records has no samples");
  }
  TM_ASSIGN_OR_RETURN(
      const std::vector<DevicePlacement> placements,
      parts_.placements->ForDevice(query.participant_id, stream->device_id, deadline));
  const SampleVisitor read(*parts_.catalog, query, deadline, visit);
  const ChunkScan::Target target = TargetOf(query.participant_id, query.stream_id, deadline);
  ChunkScan scan(target, SegmentPart::kPayload);
  if (const auto* study = std::get_if<StudyRange>(&query.range)) {
    return ReadStudyRange(scan, target, study->study, placements, read);
  }
  const std::map<ClockKey, Placement> by_clock = ByClock(placements);
  const auto* const device = std::get_if<ScanRange>(&query.range);
  const Inside inside{device == nullptr ? nullptr : &device->device, nullptr};
  const auto read_chunk = [&](const ChunkRow& row, const absl::StatusOr<std::string>& packed) {
    const ClockKey clock{row.boot_id, static_cast<uint32_t>(row.clock_id)};
    return read(row, packed, FindClock(by_clock, clock), inside);
  };
  return device == nullptr ? scan.Everything(read_chunk) : scan.InRange(*device, read_chunk);
}

absl::Status SignalReader::VerifyStored(
    ParticipantId participant, StreamId stream, absl::Time deadline,
    absl::FunctionRef<absl::Status(const ChunkRow&, Verdict)> visit) {
  TM_RETURN_IF_ERROR(FindStream(participant, stream, deadline).status());
  ChunkScan scan(TargetOf(participant, stream, deadline), SegmentPart::kPayload);
  return scan.Everything([&](const ChunkRow& row, const absl::StatusOr<std::string>& packed) {
    if (absl::IsNotFound(packed.status())) return visit(row, Verdict::kErased);
    if (!packed.ok()) return visit(row, Verdict::kDamaged);
    const absl::StatusOr<StreamInfoPtr> version =
        parts_.catalog->Find(participant, stream, row.stream_version, deadline);
    if (!version.ok()) return version.status();
    const absl::StatusOr<std::string> body = LoadBody(**version, row, *packed);
    const bool intact = body.ok() && Sha256(*body) == row.sha256;
    return visit(row, intact ? Verdict::kIntact : Verdict::kDamaged);
  });
}

}  // namespace tidemark::store
