// Erasures::EraseRange.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/audit.h"
#include "study/erasures.h"
#include "study/fields.h"
#include "study/jobs.h"
#include "study/participant_rows.h"
#include "study/pg_arrays.h"
#include "study/pg_device_rows.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

constexpr size_t kRangeReasonBytesMax = 256;
constexpr int kErasedStreamsMax = 64;

absl::StatusOr<RangeToErase> RangeOfRequest(const Call& call, const v1::EraseRangeRequest& request,
                                            const Uuid& erasure_id) {
  if (request.reason().empty() || request.reason().size() > kRangeReasonBytesMax) {
    return rpc::FieldError("reason", "has 1 to 256 bytes");
  }
  if (request.begin_ns() >= request.end_ns()) {
    return rpc::FieldError("end_ns", "is above begin_ns");
  }
  if (request.stream_ids_size() > kErasedStreamsMax) {
    return rpc::FieldError("stream_ids", "has at most 64 entries");
  }
  RangeToErase range{.erasure_id = erasure_id,
                     .participant_id = call.participant_id,
                     .study_id = call.study_id,
                     .stream_ids = {},
                     .study = {request.begin_ns(), request.end_ns()}};
  for (const std::string& text : request.stream_ids()) {
    TM_ASSIGN_OR_RETURN(const StreamId id, ParseId<StreamId>("stream_ids", text));
    range.stream_ids.push_back(id);
  }
  std::sort(range.stream_ids.begin(), range.stream_ids.end());
  range.stream_ids.erase(std::unique(range.stream_ids.begin(), range.stream_ids.end()),
                         range.stream_ids.end());
  return range;
}

void AddKept(v1::Erasure& erasure, const char* table, int64_t rows, const char* why) {
  if (rows == 0) return;
  v1::ErasedTable& kept = *erasure.add_tables();
  kept.set_table(table);
  kept.set_rows_left(static_cast<uint64_t>(rows));
  kept.set_why_kept(why);
}

// The record at the request.
v1::Erasure RecordOf(db::Transaction& tx, const RangeToErase& range, const RangeMarks& marks,
                     int64_t now_us) {
  v1::Erasure erasure;
  erasure.set_erasure_id(range.erasure_id.ToString());
  erasure.set_study_id(range.study_id.ToString());
  erasure.set_participant_id(range.participant_id.ToString());
  erasure.set_state(v1::ERASURE_STATE_RUNNING);
  *erasure.mutable_requested_at() = TimestampOfUs(now_us);
  for (const StreamId stream : range.stream_ids) erasure.add_stream_ids(stream.ToString());
  erasure.set_begin_ns(range.study.begin_ns);
  erasure.set_end_ns(range.study.end_ns);
  erasure.set_chunks_destroyed(static_cast<uint64_t>(marks.chunks));
  AddKept(erasure, "chunk", marks.chunks, kMarksStay);
  AddKept(erasure, "chunk", marks.unplaced_chunks,
          "on these streams and not on study time: no clock pair arrived of their boot");
  std::vector<std::string> streams;
  for (const StreamId stream : range.stream_ids) streams.push_back(stream.ToString());
  const auto held =
      tx.Exec(sql::kCountHeldBodies, range.participant_id.ToString(), PgArray(streams))[0][0]
          .as<int64_t>();
  AddKept(erasure, "quarantine", held,
          "set aside, of these streams: nothing is known of their time; discard them singly");
  return erasure;
}

// What arrives of the range later is refused.
void RememberRange(db::Transaction& tx, const RangeToErase& range) {
  std::vector<std::string> streams;
  for (const StreamId stream : range.stream_ids) streams.push_back(stream.ToString());
  if (streams.empty()) streams.push_back(StreamId{}.ToString());
  tx.Exec(sql::kInsertErasedRanges, range.participant_id.ToString(), range.erasure_id.ToString(),
          PgArray(streams), range.study_id.ToString(), range.study.begin_ns, range.study.end_ns);
}

absl::Status AuditRange(db::Transaction& tx, const Context& context, const Call& call,
                        const v1::Erasure& erasure, const std::string& reason) {
  const std::string streams = erasure.stream_ids_size() == 0
                                  ? "all"
                                  : fmt::format("{}", fmt::join(erasure.stream_ids(), " "));
  return AppendAudit(tx, *context.keys, *context.clock,
                     {call.study_id.uuid,
                      call.study_id,
                      "erasure.range",
                      call.principal_id,
                      {{"erasure", erasure.erasure_id()},
                       {"participant", erasure.participant_id()},
                       {"begin_ns", fmt::to_string(erasure.begin_ns())},
                       {"end_ns", fmt::to_string(erasure.end_ns())},
                       {"streams", streams},
                       {"chunks", fmt::to_string(erasure.chunks_destroyed())},
                       {"reason", reason}}});
}

}  // namespace

// From this transaction on no reader is shown what the range covers.
absl::StatusOr<v1::EraseRangeResponse> Erasures::EraseRange(
    const Call& call, const v1::EraseRangeRequest& request) const {
  const int64_t now_us = NowUs(*context_.clock);
  TM_ASSIGN_OR_RETURN(const RangeToErase range,
                      RangeOfRequest(call, request, Uuid::MakeV7(context_.clock->Now())));
  return context_.memory().Once<v1::EraseRangeResponse>(
      call, "EraseRange", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::EraseRangeResponse> {
        TM_ASSIGN_OR_RETURN(const ParticipantRow row, LockParticipant(tx, call.participant_id));
        if (row.participant.state() == v1::PARTICIPANT_STATE_ERASED) {
          return StateConflict("the participant was erased");
        }
        TM_ASSIGN_OR_RETURN(const RangeMarks marks, MarkRange(tx, clocks_, range, call.deadline));
        RememberRange(tx, range);
        v1::EraseRangeResponse response;
        v1::Erasure& erasure = *response.mutable_erasure();
        erasure = RecordOf(tx, range, marks, now_us);
        const std::string report = erasure.SerializeAsString();
        tx.Exec(sql::kInsertErasure, range.erasure_id.ToString(), call.study_id.ToString(),
                call.participant_id.ToString(), call.principal_id.ToString(), now_us,
                db::Bytea(report));
        InsertJob(tx, {.job_id = range.erasure_id,
                       .kind = JobKind::kRangeErasure,
                       .study_id = call.study_id,
                       .participant_id = call.participant_id,
                       .payload = report});
        tx.SetScope({{call.participant_id}, {call.study_id}});
        TM_RETURN_IF_ERROR(AuditRange(tx, context_, call, erasure, request.reason()));
        return response;
      });
}

}  // namespace tidemark::study
