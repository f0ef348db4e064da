#include "ingest/chunk_inserts.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "ingest/number_ranges.h"
#include "ingest/sql.h"
#include "store/envelope.h"

namespace tidemark::ingest {
namespace {

using store::ChunkRow;
using Items = std::span<const WriteItem>;

// Columns ----------------------------------------------------------------------------------------

template <class T, class Get>
std::vector<T> Column(Items items, Get get) {
  std::vector<T> column;
  column.reserve(items.size());
  for (const WriteItem& item : items) column.push_back(get(item.chunk()->row));
  return column;
}

template <class Get>
void AddUuids(db::BinaryParams& params, Items items, Get get) {
  params.AddArray(std::span<const Uuid>(Column<Uuid>(items, get)));
}
template <class Int>
void AddInts(db::BinaryParams& params, Items items, Int ChunkRow::*field) {
  params.AddArray(std::span<const Int>(
      Column<Int>(items, [field](const ChunkRow& row) { return row.*field; })));
}

// $1 to $4 of every statement about chunks.
void AddKeys(db::BinaryParams& params, Items items) {
  AddUuids(params, items, [](const ChunkRow& row) { return row.participant_id.uuid; });
  AddUuids(params, items, [](const ChunkRow& row) { return row.stream_id.uuid; });
  AddUuids(params, items, [](const ChunkRow& row) { return row.writer_id.uuid; });
  AddInts(params, items, &ChunkRow::number);
}

Command InsertChunks(Items items, absl::Time now) {
  db::BinaryParams params;
  AddKeys(params, items);
  AddUuids(params, items, [](const ChunkRow& row) { return row.study_id.uuid; });
  AddUuids(params, items, [](const ChunkRow& row) { return row.device_id.uuid; });
  params.AddByteaArray(Column<std::string>(
      items, [](const ChunkRow& row) { return std::string(AsView(row.sha256)); }));
  AddInts(params, items, &ChunkRow::stream_version);
  params.AddArray(std::span<const int16_t>(
      Column<int16_t>(items, [](const ChunkRow& row) { return static_cast<int16_t>(row.kind); })));
  AddUuids(params, items, [](const ChunkRow& row) { return row.boot_id.uuid; });
  AddInts(params, items, &ChunkRow::clock_id);
  AddInts(params, items, &ChunkRow::first_counter);
  AddInts(params, items, &ChunkRow::sample_count);
  AddInts(params, items, &ChunkRow::body_bytes);
  AddInts(params, items, &ChunkRow::flags);
  AddInts(params, items, &ChunkRow::outlier_stamps);
  AddInts(params, items, &ChunkRow::t_min_ns);
  AddInts(params, items, &ChunkRow::t_max_ns);
  AddUuids(params, items, [](const ChunkRow& row) { return row.segment_id.uuid; });
  AddInts(params, items, &ChunkRow::segment_slot);
  params.AddTimestamp(absl::ToUnixMicros(now));
  return {&sql::kInsertChunks, std::move(params)};
}

// Segments ---------------------------------------------------------------------------------------

// How many items from the front go into one segment.
size_t SegmentLength(Items items) {
  const OutboxId outbox = OutboxOf(items.front());
  const BootId boot = items.front().chunk()->row.boot_id;
  size_t bytes = items.front().chunk()->slot.bytes.size();
  size_t length = 1;
  for (; length < std::min(items.size(), kSegmentSlotsMax); ++length) {
    const WriteItem& item = items[length];
    bytes += item.chunk()->slot.bytes.size();
    const bool same = OutboxOf(item) == outbox && item.chunk()->row.boot_id == boot;
    if (!same || bytes > kSegmentBytesMax) break;
  }
  return length;
}

Command InsertSegment(Items items, const store::DataKey& key, absl::Time now) {
  const ChunkRow& first = items.front().chunk()->row;
  const SegmentId segment{Uuid::MakeV7(now)};
  std::vector<store::SegmentSlot> slots;
  std::vector<std::string> tiles;
  for (const WriteItem& item : items) {
    item.chunk()->row.segment_id = segment;
    item.chunk()->row.segment_slot = static_cast<int16_t>(slots.size());
    // Copied, not moved: after a failed commit the same items are written again.
    slots.push_back(item.chunk()->slot);
    tiles.push_back(item.chunk()->tiles);
  }
  const bool has_tiles =
      std::any_of(tiles.begin(), tiles.end(), [](const std::string& t) { return !t.empty(); });

  db::BinaryParams params;
  params.Add(first.participant_id).Add(segment).Add(first.study_id).Add(first.stream_id);
  params.AddBytea(store::SealEnvelope(key,
                                      {"segment.payload", first.participant_id, segment.AsBytes()},
                                      store::EnvelopeCodec::kSegment, store::PackSegment(slots)));
  if (has_tiles) {
    params.AddBytea(store::SealEnvelope(key,
                                        {"segment.tiles", first.participant_id, segment.AsBytes()},
                                        store::EnvelopeCodec::kTiles, store::PackTiles(tiles)));
  } else {
    params.AddNull();
  }
  return {&sql::kInsertSegment, std::move(params)};
}

absl::Status AppendSegments(Items items, DayKeys& keys, absl::Time now,
                            std::vector<Command>& commands) {
  while (!items.empty()) {
    const Items segment = items.first(SegmentLength(items));
    const ChunkRow& first = segment.front().chunk()->row;
    TM_ASSIGN_OR_RETURN(const store::DataKey* const key,
                        keys.Find(first.participant_id, first.stream_id));
    if (key == nullptr) return absl::FailedPreconditionError("the participant was erased");
    commands.push_back(InsertSegment(segment, *key, now));
    items = items.subspan(segment.size());
  }
  return absl::OkStatus();
}

// Records ----------------------------------------------------------------------------------------

// One row per entry: the chunk it stands in, and the entry itself.
template <class Reading>
struct EntryRow {
  const ChunkRow* chunk;
  const Reading* reading;
};

template <class Reading>
std::vector<EntryRow<Reading>> EntriesOf(Items items, std::vector<Reading> AdmittedChunk::*field) {
  std::vector<EntryRow<Reading>> rows;
  for (const WriteItem& item : items) {
    for (const Reading& reading : item.chunk()->*field)
      rows.push_back({&item.chunk()->row, &reading});
  }
  return rows;
}

template <class T, class Reading, class Get>
void AddEntries(db::BinaryParams& params, const std::vector<EntryRow<Reading>>& rows, Get get) {
  std::vector<T> column;
  column.reserve(rows.size());
  for (const EntryRow<Reading>& row : rows) column.push_back(get(*row.chunk, *row.reading));
  params.AddArray(std::span<const T>(column));
}

// $1 to $8 of both statements.
template <class Reading>
db::BinaryParams EntryKeys(const std::vector<EntryRow<Reading>>& rows) {
  db::BinaryParams params;
  const auto add = [&](auto get) {
    AddEntries<Uuid>(params, rows,
                     [&](const ChunkRow& chunk, const Reading&) { return get(chunk); });
  };
  add([](const ChunkRow& chunk) { return chunk.participant_id.uuid; });
  add([](const ChunkRow& chunk) { return chunk.stream_id.uuid; });
  add([](const ChunkRow& chunk) { return chunk.writer_id.uuid; });
  AddEntries<int64_t>(params, rows,
                      [](const ChunkRow& chunk, const Reading&) { return chunk.number; });
  AddEntries<int32_t>(params, rows, [](const ChunkRow&, const Reading& r) { return r.entry; });
  add([](const ChunkRow& chunk) { return chunk.study_id.uuid; });
  add([](const ChunkRow& chunk) { return chunk.device_id.uuid; });
  add([](const ChunkRow& chunk) { return chunk.boot_id.uuid; });
  return params;
}

template <class T, class Reading>
void AddField(db::BinaryParams& params, const std::vector<EntryRow<Reading>>& rows,
              T Reading::*field) {
  AddEntries<T>(params, rows, [field](const ChunkRow&, const Reading& r) { return r.*field; });
}

void AppendClockReadings(Items items, std::vector<Command>& commands) {
  const auto rows = EntriesOf(items, &AdmittedChunk::clock_readings);
  if (rows.empty()) return;
  db::BinaryParams params = EntryKeys(rows);
  AddField(params, rows, &ClockReading::clock_id);
  AddEntries<int16_t>(params, rows, [](const ChunkRow&, const ClockReading& reading) {
    return static_cast<int16_t>(reading.is_boot_start);
  });
  AddField(params, rows, &ClockReading::sensor_ns);
  AddField(params, rows, &ClockReading::monotonic_ns);
  AddField(params, rows, &ClockReading::wall_ns);
  AddField(params, rows, &ClockReading::utc_offset_s);
  commands.push_back({&sql::kInsertClockPairs, std::move(params)});
}

void AppendProbes(Items items, std::vector<Command>& commands) {
  const auto rows = EntriesOf(items, &AdmittedChunk::probes);
  if (rows.empty()) return;
  db::BinaryParams params = EntryKeys(rows);
  AddField(params, rows, &ProbeReading::t1_device_ns);
  AddField(params, rows, &ProbeReading::t2_server_ns);
  AddField(params, rows, &ProbeReading::t3_server_ns);
  AddField(params, rows, &ProbeReading::t4_device_ns);
  commands.push_back({&sql::kInsertProbes, std::move(params)});
}

// Epochs -----------------------------------------------------------------------------------------

std::set<KnownEpochs::Epoch> NewEpochs(Items items, const KnownEpochs& known) {
  std::set<KnownEpochs::Epoch> epochs;
  const auto add = [&](const ChunkRow& row, int32_t clock_id) {
    KnownEpochs::Epoch epoch{row.participant_id, row.device_id, row.boot_id, clock_id,
                             row.study_id};
    if (!known.Knows(epoch)) epochs.insert(std::move(epoch));
  };
  for (const WriteItem& item : items) {
    add(item.chunk()->row, item.chunk()->row.clock_id);
    for (const ClockReading& reading : item.chunk()->clock_readings) {
      add(item.chunk()->row, reading.clock_id);
    }
  }
  return epochs;
}

void AppendEpochs(const std::set<KnownEpochs::Epoch>& epochs, std::vector<Command>& commands) {
  if (epochs.empty()) return;
  std::vector<Uuid> participants, devices, boots, studies;
  std::vector<int32_t> clocks;
  for (const auto& [participant, device, boot, clock, study] : epochs) {
    participants.push_back(participant.uuid);
    devices.push_back(device.uuid);
    boots.push_back(boot.uuid);
    clocks.push_back(clock);
    studies.push_back(study.uuid);
  }
  db::BinaryParams params;
  params.AddArray(std::span<const Uuid>(participants)).AddArray(std::span<const Uuid>(devices));
  params.AddArray(std::span<const Uuid>(boots)).AddArray(std::span<const int32_t>(clocks));
  params.AddArray(std::span<const Uuid>(studies));
  commands.push_back({&sql::kInsertEpochs, std::move(params)});
}

// Outboxes ---------------------------------------------------------------------------------------

struct TallyColumns {
  explicit TallyColumns(const OutboxTallies& tallies) {
    for (const auto& [outbox, tally] : tallies) {
      participants.push_back(outbox.participant_id.uuid);
      streams.push_back(outbox.stream_id.uuid);
      writers.push_back(outbox.writer_id.uuid);
      studies.push_back(tally.study_id.uuid);
      devices.push_back(tally.device_id.uuid);
      stored.push_back(ToMultirange(RunsOf(tally.stored)));
      quarantined.push_back(ToMultirange(RunsOf(tally.quarantined)));
      refused.push_back(ToMultirange(RunsOf(tally.refused)));
      chunks.push_back(static_cast<int64_t>(tally.stored.size()));
      duplicates.push_back(tally.duplicates);
      // Read by the statements only where something is stored.
      const ChunkRow none;
      const ChunkRow& newest = tally.newest != nullptr ? *tally.newest : none;
      newest_ns.push_back(newest.t_max_ns);
      newest_boots.push_back(newest.boot_id.uuid);
      newest_clocks.push_back(newest.clock_id);
    }
  }
  std::vector<Uuid> participants, streams, writers, studies, devices, newest_boots;
  std::vector<std::string> stored, quarantined, refused;
  std::vector<int64_t> chunks, duplicates, newest_ns;
  std::vector<int32_t> newest_clocks;
};

void AddNewest(db::BinaryParams& params, const TallyColumns& columns, absl::Time now) {
  params.AddArray(std::span<const int64_t>(columns.newest_ns));
  params.AddArray(std::span<const Uuid>(columns.newest_boots));
  params.AddArray(std::span<const int32_t>(columns.newest_clocks));
  params.AddTimestamp(absl::ToUnixMicros(now));
}

}  // namespace

void KnownEpochs::Add(const std::set<Epoch>& epochs) {
  if (known_.size() + epochs.size() > kEpochsMax) known_.clear();
  known_.insert(epochs.begin(), epochs.end());
}

absl::StatusOr<ChunkInserts> BuildChunkInserts(std::span<const WriteItem> items, DayKeys& keys,
                                               const KnownEpochs& known_epochs, absl::Time now) {
  ChunkInserts inserts;
  if (items.empty()) return inserts;
  TM_RETURN_IF_ERROR(AppendSegments(items, keys, now, inserts.commands));
  inserts.commands.push_back(InsertChunks(items, now));
  AppendClockReadings(items, inserts.commands);
  AppendProbes(items, inserts.commands);
  inserts.new_epochs = NewEpochs(items, known_epochs);
  AppendEpochs(inserts.new_epochs, inserts.commands);
  return inserts;
}

void OutboxTally::AddStored(const store::ChunkRow& row) {
  stored.push_back(row.number);
  if (newest == nullptr || row.number > newest->number) newest = &row;
}

Command SettleStored(const OutboxTallies& tallies, absl::Time now) {
  const TallyColumns columns(tallies);
  db::BinaryParams params;
  params.AddArray(std::span<const Uuid>(columns.participants));
  params.AddArray(std::span<const Uuid>(columns.streams));
  params.AddArray(std::span<const Uuid>(columns.writers));
  params.AddArray(std::span<const Uuid>(columns.studies));
  params.AddArray(std::span<const Uuid>(columns.devices));
  params.AddTextArray(columns.stored);
  params.AddArray(std::span<const int64_t>(columns.chunks));
  AddNewest(params, columns, now);
  params.Add(kRunsPerSetMax).Add(kOutboxesPerDeviceMax);
  return {&sql::kSettleStored, std::move(params)};
}

Command SettleNumbers(const OutboxTallies& tallies, absl::Time now) {
  const TallyColumns columns(tallies);
  db::BinaryParams params;
  params.AddArray(std::span<const Uuid>(columns.participants));
  params.AddArray(std::span<const Uuid>(columns.streams));
  params.AddArray(std::span<const Uuid>(columns.writers));
  params.AddArray(std::span<const Uuid>(columns.devices));
  params.AddTextArray(columns.stored);
  params.AddTextArray(columns.quarantined);
  params.AddTextArray(columns.refused);
  params.AddArray(std::span<const int64_t>(columns.chunks));
  params.AddArray(std::span<const int64_t>(columns.duplicates));
  AddNewest(params, columns, now);
  return {&sql::kSettleNumbers, std::move(params)};
}

// One line for each that was known: a message may have been admitted before another one.
db::BinaryParams KnownErasures(std::span<const WriteItem> items) {
  std::set<std::pair<ParticipantId, int64_t>> known;
  for (const WriteItem& item : items) {
    if (item.chunk() == nullptr) continue;
    known.emplace(item.sender->participant_id, item.chunk()->erased_ranges_known);
  }
  std::vector<Uuid> participants;
  std::vector<int64_t> counts;
  for (const auto& [participant, count] : known) {
    participants.push_back(participant.uuid);
    counts.push_back(count);
  }
  db::BinaryParams params;
  params.AddArray(std::span<const Uuid>(participants)).AddArray(std::span<const int64_t>(counts));
  return params;
}

}  // namespace tidemark::ingest
