#include "store/sealer/seal_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/status_macros.h"
#include "store/envelope.h"
#include "store/sealed_runs.h"
#include "store/sealer/sql.h"

namespace tidemark::sealer {
namespace {

using db::AccessScope;
using db::BinaryParams;
using db::BinaryResult;
using store::RunId;

constexpr char kBeginRead[] = "begin isolation level repeatable read read only";
constexpr size_t kKeyNameColumn = 19;  // behind those of chunk
constexpr size_t kProblemBytesMax = 256;

// The first 48 bits of a UUIDv7 are milliseconds.
absl::Time ArrivalOf(const Uuid& segment) {
  int64_t ms = 0;
  for (size_t i = 0; i < 6; ++i) ms = ms << 8 | segment.bytes[i];
  return absl::FromUnixMillis(ms);
}

template <class IdType>
std::vector<Uuid> UuidsOf(std::span<const IdType> ids) {
  std::vector<Uuid> uuids;
  uuids.reserve(ids.size());
  for (const IdType& id : ids) uuids.push_back(id.uuid);
  return uuids;
}

template <class IdType>
BinaryParams IdsOf(ParticipantId participant, std::span<const IdType> ids) {
  BinaryParams params;
  params.Add(participant).AddArray(std::span<const Uuid>(UuidsOf(ids)));
  return params;
}

absl::StatusOr<std::vector<OpenRun>> ReadOpenRuns(const BinaryResult& rows) {
  TM_RETURN_IF_ERROR((rows.Expect<Uuid, Uuid, Uuid, int32_t, int32_t, std::string_view, int64_t,
                                  int64_t, int32_t, int16_t>()));
  std::vector<OpenRun> open;
  for (int i = 0; i < rows.rows(); ++i) {
    open.push_back({.run_id = RunId{rows.UuidAt(i, 0)},
                    .group = {.writer_id = WriterId{rows.UuidAt(i, 1)},
                              .boot_id = BootId{rows.UuidAt(i, 2)},
                              .clock_id = rows.Int32(i, 3),
                              .stream_version = rows.Int32(i, 4),
                              .key_name = std::string(rows.Bytes(i, 5))},
                    .first_number = rows.Int64(i, 6),
                    .last_number = rows.Int64(i, 7),
                    .chunks = rows.Int32(i, 8),
                    .cell_bits = rows.Int16(i, 9)});
  }
  return open;
}

// Of chunks that were not all read, by outbox and number, nothing is known behind the last one.
absl::StatusOr<SettledNumbers> ReadSettled(const BinaryResult& rows,
                                           const StoredChunkRow* last_read) {
  TM_RETURN_IF_ERROR((rows.Expect<Uuid, int64_t, int64_t>()));
  SettledNumbers settled;
  for (int i = 0; i < rows.rows(); ++i) {
    const WriterId writer{rows.UuidAt(i, 0)};
    int64_t end = rows.Int64(i, 2);
    if (last_read != nullptr) {
      if (writer > last_read->row.writer_id) continue;
      if (writer == last_read->row.writer_id) end = std::min(end, last_read->row.number + 1);
    }
    settled.Add(writer, rows.Int64(i, 1), end);
  }
  return settled;
}

// The statements of one swap, in order, inside a transaction that is open.
class SwapRun {
 public:
  using Exec = absl::FunctionRef<absl::StatusOr<BinaryResult>(const db::Statement& statement,
                                                              const BinaryParams& params)>;
  SwapRun(const StreamClaim& claim, const RunSwap& swap, int64_t lease_ms, Exec exec)
      : claim_(claim), swap_(swap), lease_ms_(lease_ms), exec_(exec) {}

  absl::Status Run() {
    TM_RETURN_IF_ERROR(Lock());
    for (const PackedRun& run : swap_.runs) TM_RETURN_IF_ERROR(InsertRun(run));
    TM_RETURN_IF_ERROR(MoveChunks());
    const BinaryParams sources = IdsOf(claim_.participant_id, swap_.sources);
    TM_RETURN_IF_ERROR(exec_(sql::kDeleteEmptiedSegments, sources).status());
    TM_RETURN_IF_ERROR(exec_(sql::kClearSealingFaults, sources).status());
    if (swap_.plan->merged.empty()) return absl::OkStatus();
    const BinaryParams merged =
        IdsOf(claim_.participant_id, std::span<const RunId>(swap_.plan->merged));
    TM_RETURN_IF_ERROR(Expect(sql::kDeleteRuns, merged, swap_.plan->merged.size()));
    return exec_(sql::kDeleteRunTiles, merged).status();
  }

 private:
  // A statement that must find so many rows.
  absl::Status Expect(const db::Statement& statement, const BinaryParams& params, size_t rows) {
    TM_ASSIGN_OR_RETURN(const BinaryResult result, exec_(statement, params));
    const auto found = std::max<int64_t>(result.rows(), result.affected());
    if (found == static_cast<int64_t>(rows)) return absl::OkStatus();
    return absl::AbortedError(
        fmt::format("{}: what is sealed has changed meanwhile", statement.name));
  }

  absl::Status Lock() {
    BinaryParams participant;
    participant.Add(claim_.participant_id);
    TM_RETURN_IF_ERROR(Expect(sql::kLockParticipantToSeal, participant, 1));
    BinaryParams claim;
    claim.Add(claim_.participant_id).Add(claim_.stream_id).Add(claim_.fence).Add(lease_ms_);
    TM_RETURN_IF_ERROR(Expect(sql::kKeepClaim, claim, 1));
    BinaryParams sources = IdsOf(claim_.participant_id, swap_.sources);
    sources.AddBytea(swap_.plan->group.key_name);
    sources.AddArray(std::span<const Uuid>(UuidsOf(std::span<const RunId>(swap_.plan->merged))));
    return Expect(sql::kLockSources, sources, swap_.sources.size());
  }

  absl::Status InsertRun(const PackedRun& run) {
    const RunId run_id{Uuid::MakeV7(swap_.now)};
    for (const PackedSegment& segment : run.segments) {
      TM_RETURN_IF_ERROR(InsertSegment(run_id, segment));
    }
    int64_t tile_bytes = 0;
    for (size_t level = 0; level < run.tiles.size(); ++level) {
      TM_RETURN_IF_ERROR(
          InsertTile(run_id, static_cast<int16_t>(level), run.tiles[level], tile_bytes));
    }
    const RunGroup& group = swap_.plan->group;
    BinaryParams params;
    params.Add(claim_.participant_id).Add(run_id).Add(claim_.study_id).Add(claim_.stream_id);
    params.Add(group.writer_id).Add(group.boot_id).Add(group.clock_id).Add(group.stream_version);
    params.AddBytea(group.key_name).Add(run.first_number).Add(run.last_number).Add(run.chunks);
    params.Add(run.samples).Add(run.covered_ns).Add(run.t_min_ns).Add(run.t_max_ns);
    params.Add(swap_.plan->cell_bits).Add(static_cast<int16_t>(run.tiles.size())).Add(tile_bytes);
    params.Add(swap_.plan->closed).Add(swap_.dense).AddTimestamp(absl::ToUnixMicros(swap_.now));
    return Expect(sql::kInsertRun, params, 1);
  }

  absl::Status InsertSegment(RunId run, const PackedSegment& segment) {
    const SegmentId id{Uuid::MakeV7(swap_.arrived)};
    BinaryParams params;
    params.Add(claim_.participant_id).Add(id).Add(claim_.study_id).Add(claim_.stream_id);
    params.AddBytea(store::SealEnvelope(*swap_.key,
                                        {"segment.payload", claim_.participant_id, id.AsBytes()},
                                        store::EnvelopeCodec::kSegment, segment.packed));
    params.Add(run);
    for (size_t slot = 0; slot < segment.chunks.size(); ++slot) {
      places_[segment.chunks[slot]] = {id, static_cast<int16_t>(slot)};
    }
    return Expect(sql::kInsertSealedSegment, params, 1);
  }

  absl::Status InsertTile(RunId run, int16_t level, const std::string& tiles, int64_t& bytes) {
    const std::string row_key = store::TileRowKey(run, level);
    const std::string sealed =
        store::SealEnvelope(*swap_.key, {store::kTileTable, claim_.participant_id, row_key},
                            store::EnvelopeCodec::kTileRow, tiles);
    bytes += static_cast<int64_t>(sealed.size());
    BinaryParams params;
    params.Add(claim_.participant_id).Add(run).Add(level).Add(claim_.study_id).AddBytea(sealed);
    return Expect(sql::kInsertTile, params, 1);
  }

  absl::Status MoveChunks() {
    std::vector<int64_t> numbers;
    std::vector<Uuid> old_segments, new_segments;
    std::vector<int16_t> old_slots, erased, new_slots;
    for (size_t i = 0; i < swap_.chunks.size(); ++i) {
      const store::ChunkRow& row = swap_.chunks[i].row;
      const Place& place = places_.at(i);
      numbers.push_back(row.number);
      old_segments.push_back(row.segment_id.uuid);
      old_slots.push_back(row.segment_slot);
      erased.push_back(row.is_erased() ? 1 : 0);
      new_segments.push_back(place.segment_id.uuid);
      new_slots.push_back(place.slot);
    }
    BinaryParams params;
    params.Add(claim_.participant_id).Add(claim_.stream_id).Add(swap_.plan->group.writer_id);
    params.AddArray(std::span<const int64_t>(numbers));
    params.AddArray(std::span<const Uuid>(old_segments));
    params.AddArray(std::span<const int16_t>(old_slots));
    params.AddArray(std::span<const int16_t>(erased));
    params.AddArray(std::span<const Uuid>(new_segments));
    params.AddArray(std::span<const int16_t>(new_slots));
    return Expect(sql::kMoveChunks, params, numbers.size());
  }

  struct Place {
    SegmentId segment_id;
    int16_t slot = 0;
  };

  const StreamClaim& claim_;
  const RunSwap& swap_;
  const int64_t lease_ms_;
  const Exec exec_;
  std::map<size_t, Place> places_;  // by the place of the chunk
};

}  // namespace

absl::Status SealStore::EnsureConnected() {
  if (connection_ != nullptr && connection_->healthy()) return absl::OkStatus();
  connection_.reset();
  TM_ASSIGN_OR_RETURN(connection_, db::PipelineConnection::Connect(
                                       {.dsn = options_.dsn,
                                        .application_name = "tidemark-sealer",
                                        .statement_timeout_ms = options_.statement_timeout_ms,
                                        .statements = {sql::kAllStatements}}));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<BinaryResult>> SealStore::Query(const AccessScope& scope, Steps steps) {
  TM_RETURN_IF_ERROR(EnsureConnected());
  return connection_->RunTransaction(fmt::format("{}; {}", kBeginRead, scope.ToSql()), steps);
}

absl::StatusOr<BinaryResult> SealStore::QueryOne(const AccessScope& scope,
                                                 const db::Statement& statement,
                                                 const BinaryParams& params) {
  const db::PipelineConnection::Step step{&statement, &params};
  TM_ASSIGN_OR_RETURN(std::vector<BinaryResult> results, Query(scope, std::span(&step, 1)));
  return std::move(results.front());
}

absl::StatusOr<std::vector<StudyId>> SealStore::Studies() {
  TM_ASSIGN_OR_RETURN(const BinaryResult rows,
                      QueryOne(AccessScope::None(), sql::kListStudiesToSeal, BinaryParams()));
  TM_RETURN_IF_ERROR(rows.Expect<Uuid>());
  std::vector<StudyId> studies;
  for (int i = 0; i < rows.rows(); ++i) studies.push_back(StudyId{rows.UuidAt(i, 0)});
  return studies;
}

absl::StatusOr<std::vector<LiveStream>> SealStore::LiveStreams(StudyId study,
                                                               const LiveStream& after,
                                                               absl::Time now) {
  BinaryParams params;
  params.Add(study).Add(after.participant_id).Add(after.stream_id);
  params.AddTimestamp(absl::ToUnixMicros(now)).Add(kLiveStreamsPerPage);
  TM_ASSIGN_OR_RETURN(const BinaryResult rows,
                      QueryOne(AccessScope::Study(study), sql::kListLiveStreams, params));
  TM_RETURN_IF_ERROR((rows.Expect<Uuid, Uuid, int64_t, int64_t, Uuid, Uuid>()));
  std::vector<LiveStream> streams;
  for (int i = 0; i < rows.rows(); ++i) {
    streams.push_back({.study_id = study,
                       .participant_id = ParticipantId{rows.UuidAt(i, 0)},
                       .stream_id = StreamId{rows.UuidAt(i, 1)},
                       .segments = rows.Int64(i, 2),
                       .bytes = rows.Int64(i, 3),
                       .oldest = ArrivalOf(rows.UuidAt(i, 4)),
                       .newest = ArrivalOf(rows.UuidAt(i, 5))});
  }
  return streams;
}

absl::StatusOr<int64_t> SealStore::CountFaults(StudyId study) {
  BinaryParams params;
  params.Add(study);
  TM_ASSIGN_OR_RETURN(const BinaryResult rows,
                      QueryOne(AccessScope::Study(study), sql::kCountSealingFaults, params));
  TM_RETURN_IF_ERROR(rows.Expect<int64_t>());
  return rows.Int64(0, 0);
}

absl::StatusOr<std::optional<StreamClaim>> SealStore::Claim(const LiveStream& stream) {
  BinaryParams params;
  params.Add(stream.participant_id).Add(stream.stream_id).Add(stream.study_id);
  params.Add(absl::ToInt64Milliseconds(options_.lease));
  TM_RETURN_IF_ERROR(EnsureConnected());
  const db::PipelineConnection::Step step{&sql::kClaimStream, &params};
  TM_ASSIGN_OR_RETURN(
      const std::vector<BinaryResult> results,
      connection_->RunTransaction(
          fmt::format("begin; {}", AccessScope::Participant(stream.participant_id).ToSql()),
          std::span(&step, 1)));
  TM_RETURN_IF_ERROR(results[0].Expect<int64_t>());
  if (results[0].rows() == 0) return std::nullopt;
  return StreamClaim{stream.study_id, stream.participant_id, stream.stream_id,
                     results[0].Int64(0, 0)};
}

absl::Status SealStore::Release(const StreamClaim& claim) {
  BinaryParams params;
  params.Add(claim.participant_id).Add(claim.stream_id).Add(claim.fence);
  return Write(claim, sql::kReleaseClaim, params);
}

absl::Status SealStore::Write(const StreamClaim& claim, const db::Statement& statement,
                              const BinaryParams& params) {
  TM_RETURN_IF_ERROR(EnsureConnected());
  const db::PipelineConnection::Step step{&statement, &params};
  return connection_
      ->RunTransaction(
          fmt::format("begin; {}", AccessScope::Participant(claim.participant_id).ToSql()),
          std::span(&step, 1))
      .status();
}

absl::StatusOr<std::vector<StoredChunkRow>> SealStore::ReadChunks(const StreamClaim& claim,
                                                                  const BinaryResult& rows) const {
  TM_RETURN_IF_ERROR(
      (rows.Expect<Uuid, int64_t, Uuid, Uuid, std::string_view, int32_t, int16_t, Uuid, int32_t,
                   int64_t, int32_t, int32_t, int32_t, int32_t, int64_t, int64_t, Uuid, int16_t,
                   db::Timestamp, std::string_view>()));
  std::vector<StoredChunkRow> chunks;
  chunks.reserve(static_cast<size_t>(rows.rows()));
  for (int i = 0; i < rows.rows(); ++i) {
    chunks.push_back({store::ReadChunkRow(claim.participant_id, claim.stream_id, rows, i),
                      std::string(rows.Bytes(i, kKeyNameColumn))});
  }
  return chunks;
}

absl::StatusOr<SealStore::StreamContent> SealStore::Read(const StreamClaim& claim, absl::Time now) {
  BinaryParams live, stream;
  live.Add(claim.participant_id).Add(claim.stream_id).Add(claim.study_id);
  live.AddTimestamp(absl::ToUnixMicros(now)).Add(kLiveChunksPerPlan);
  stream.Add(claim.participant_id).Add(claim.stream_id);
  const db::PipelineConnection::Step steps[] = {{&sql::kListLiveChunks, &live},
                                                {&sql::kListOpenRuns, &stream},
                                                {&sql::kListSettledNumbers, &stream}};
  TM_ASSIGN_OR_RETURN(const std::vector<BinaryResult> results,
                      Query(AccessScope::Participant(claim.participant_id), steps));
  StreamContent content;
  TM_ASSIGN_OR_RETURN(content.live, ReadChunks(claim, results[0]));
  TM_ASSIGN_OR_RETURN(content.open, ReadOpenRuns(results[1]));
  const bool is_cut = static_cast<int64_t>(content.live.size()) == kLiveChunksPerPlan;
  TM_ASSIGN_OR_RETURN(content.settled,
                      ReadSettled(results[2], is_cut ? &content.live.back() : nullptr));
  return content;
}

absl::StatusOr<std::vector<StoredChunkRow>> SealStore::ChunksOf(const StreamClaim& claim,
                                                                std::span<const RunId> runs) {
  TM_ASSIGN_OR_RETURN(const BinaryResult rows,
                      QueryOne(AccessScope::Participant(claim.participant_id), sql::kListRunChunks,
                               IdsOf(claim.participant_id, runs)));
  return ReadChunks(claim, rows);
}

absl::StatusOr<std::vector<SourcePayload>> SealStore::Payloads(
    const StreamClaim& claim, std::span<const SegmentId> segments) {
  TM_ASSIGN_OR_RETURN(const BinaryResult rows,
                      QueryOne(AccessScope::Participant(claim.participant_id),
                               sql::kFetchSourcePayloads, IdsOf(claim.participant_id, segments)));
  TM_RETURN_IF_ERROR((rows.Expect<Uuid, std::string_view>()));
  std::vector<SourcePayload> payloads;
  for (int i = 0; i < rows.rows(); ++i) {
    payloads.push_back({SegmentId{rows.UuidAt(i, 0)}, std::string(rows.Bytes(i, 1))});
  }
  return payloads;
}

absl::Status SealStore::Swap(const StreamClaim& claim, const RunSwap& swap) {
  TM_RETURN_IF_ERROR(EnsureConnected());
  const auto step = [&](std::string_view name) -> absl::Status {
    if (!options_.before_step) return absl::OkStatus();
    const absl::Status died = options_.before_step(name);
    if (!died.ok()) connection_.reset();
    return died;
  };
  const auto exec = [&](const db::Statement& statement,
                        const BinaryParams& params) -> absl::StatusOr<BinaryResult> {
    TM_RETURN_IF_ERROR(step(statement.name));
    return connection_->Execute(statement, params);
  };
  TM_RETURN_IF_ERROR(connection_->Run(
      fmt::format("begin; {}", AccessScope::Participant(claim.participant_id).ToSql()), "begin"));
  absl::Status swapped =
      SwapRun(claim, swap, absl::ToInt64Milliseconds(options_.lease), exec).Run();
  if (swapped.ok()) swapped = step("commit");
  if (connection_ == nullptr) return swapped;
  if (!swapped.ok()) {
    if (!connection_->Run("rollback", "rollback").ok()) connection_.reset();
    return swapped;
  }
  const absl::Status committed = connection_->Run("commit", "commit");
  if (absl::IsUnavailable(committed)) {
    return absl::UnknownError("the connection died while runs were swapped");
  }
  return committed;
}

absl::Status SealStore::CloseRuns(const StreamClaim& claim, std::span<const RunId> runs) {
  return Write(claim, sql::kCloseRuns, IdsOf(claim.participant_id, runs));
}

absl::Status SealStore::LeaveRuns(const StreamClaim& claim, std::span<const RunId> runs) {
  return Write(claim, sql::kLeaveRuns, IdsOf(claim.participant_id, runs));
}

absl::StatusOr<std::vector<SealStore::QuickRuns>> SealStore::ListQuickRuns(StudyId study) {
  BinaryParams params;
  params.Add(study).Add(kQuickRunsPerRound);
  TM_ASSIGN_OR_RETURN(const BinaryResult rows,
                      QueryOne(AccessScope::Study(study), sql::kListQuickRuns, params));
  TM_RETURN_IF_ERROR((rows.Expect<Uuid, Uuid, Uuid, Uuid, Uuid, int32_t, int32_t, std::string_view,
                                  int16_t, bool>()));
  std::vector<QuickRuns> found;
  for (int i = 0; i < rows.rows(); ++i) {
    LiveStream stream;
    stream.study_id = study;
    stream.participant_id = ParticipantId{rows.UuidAt(i, 0)};
    stream.stream_id = StreamId{rows.UuidAt(i, 1)};
    if (found.empty() || found.back().stream.stream_id != stream.stream_id) {
      found.push_back({stream, {}});
    }
    found.back().runs.push_back({.group = {.writer_id = WriterId{rows.UuidAt(i, 3)},
                                           .boot_id = BootId{rows.UuidAt(i, 4)},
                                           .clock_id = rows.Int32(i, 5),
                                           .stream_version = rows.Int32(i, 6),
                                           .key_name = std::string(rows.Bytes(i, 7))},
                                 .cell_bits = rows.Int16(i, 8),
                                 .closed = rows.Bool(i, 9),
                                 .live = {},
                                 .merged = {RunId{rows.UuidAt(i, 2)}}});
  }
  return found;
}

absl::Status SealStore::NoteFault(const StreamClaim& claim, SegmentId segment,
                                  std::string_view problem, absl::Time now) {
  BinaryParams params;
  params.Add(claim.participant_id).Add(segment).Add(claim.stream_id).Add(claim.study_id);
  params.AddText(problem.substr(0, kProblemBytesMax)).AddTimestamp(absl::ToUnixMicros(now));
  return Write(claim, sql::kNoteSealingFault, params);
}

}  // namespace tidemark::sealer
