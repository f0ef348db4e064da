#include "store/sealed_runs.h"

#include <unordered_map>
#include <utility>

#include "base/endian.h"
#include "base/status_macros.h"
#include "store/sql.h"

namespace tidemark::store {
namespace {

db::BinaryParams RangeParams(const ChunkScan::Target& target, const ScanRange& range,
                             int64_t span_ns_max) {
  db::BinaryParams params;
  params.Add(target.participant_id).Add(target.stream_id);
  params.Add(range.boot_id).Add(static_cast<int32_t>(range.clock_id));
  params.Add(SaturatingAdd(range.device.begin_ns, -span_ns_max));
  params.Add(range.device.begin_ns).Add(range.device.end_ns);
  return params;
}

SealedRun ReadRun(const db::BinaryResult& rows, int row) {
  return {.run_id = RunId{rows.UuidAt(row, 0)},
          .writer_id = WriterId{rows.UuidAt(row, 1)},
          .first_number = rows.Int64(row, 2),
          .last_number = rows.Int64(row, 3),
          .stream_version = rows.Int32(row, 4),
          .samples = rows.Int64(row, 5),
          .covered_ns = rows.Int64(row, 6),
          .t_min_ns = rows.Int64(row, 7),
          .t_max_ns = rows.Int64(row, 8),
          .levels = rows.Int16(row, 9)};
}

absl::StatusOr<std::string> OpenTile(const ChunkScan::Target& target, RunId run, int16_t level,
                                     std::string_view sealed) {
  const std::string row_key = TileRowKey(run, level);
  TM_ASSIGN_OR_RETURN(OpenedEnvelope opened,
                      OpenEnvelope(*target.keys, {kTileTable, target.participant_id, row_key},
                                   target.stream_id, sealed));
  if (opened.codec != EnvelopeCodec::kTileRow) {
    return absl::DataLossError("tiles have an unknown codec");
  }
  return std::move(opened.plain);
}

}  // namespace

std::string TileRowKey(RunId run, int16_t level) {
  std::string key(run.AsBytes());
  AppendLe(key, level);
  return key;
}

absl::StatusOr<RunsAndTail> FindRuns(const ChunkScan::Target& target, StudyId study,
                                     const ScanRange& range, int64_t tail_max) {
  const db::BinaryParams runs = RangeParams(target, range, kRunSpanNsMax);
  db::BinaryParams tail = RangeParams(target, range, kChunkSpanNsMax);
  tail.Add(study).Add(tail_max + 1);
  const db::PipelineConnection::Step steps[] = {{&sql::kListSealedRuns, &runs},
                                                {&sql::kScanLiveChunks, &tail}};
  TM_ASSIGN_OR_RETURN(const std::vector<db::BinaryResult> results,
                      target.pool->QueryTogether(target.participant_id, steps, target.deadline));
  TM_RETURN_IF_ERROR((results[0]
                          .Expect<Uuid, Uuid, int64_t, int64_t, int32_t, int64_t, int64_t, int64_t,
                                  int64_t, int16_t>()));
  TM_RETURN_IF_ERROR(CheckChunkRows(results[1]));
  RunsAndTail found;
  for (int i = 0; i < results[0].rows(); ++i) found.runs.push_back(ReadRun(results[0], i));
  found.tail_is_cut = results[1].rows() > tail_max;
  for (int i = 0; i < results[1].rows(); ++i) {
    found.tail.push_back(ReadChunkRow(target.participant_id, target.stream_id, results[1], i));
  }
  return found;
}

absl::StatusOr<std::vector<absl::StatusOr<std::string>>> FetchTiles(
    const ChunkScan::Target& target, std::span<const RunId> runs, std::span<const int16_t> levels) {
  std::vector<Uuid> ids;
  std::unordered_map<RunId, size_t> places;
  for (size_t i = 0; i < runs.size(); ++i) {
    ids.push_back(runs[i].uuid);
    places.emplace(runs[i], i);
  }
  db::BinaryParams params;
  params.Add(target.participant_id).AddArray(std::span<const Uuid>(ids)).AddArray(levels);
  TM_ASSIGN_OR_RETURN(
      const db::BinaryResult rows,
      target.pool->Query(target.participant_id, sql::kFetchRunTiles, params, target.deadline));
  TM_RETURN_IF_ERROR((rows.Expect<Uuid, std::string_view>()));
  if (static_cast<size_t>(rows.rows()) != runs.size()) {
    return absl::AbortedError("a run was sealed anew meanwhile");
  }
  std::vector<absl::StatusOr<std::string>> tiles(runs.size(), absl::DataLossError("no tiles"));
  for (int i = 0; i < rows.rows(); ++i) {
    const size_t place = places.at(RunId{rows.UuidAt(i, 0)});
    tiles[place] = OpenTile(target, runs[place], levels[place], rows.Bytes(i, 1));
    if (absl::IsUnavailable(tiles[place].status())) return tiles[place].status();
  }
  return tiles;
}

}  // namespace tidemark::store
