#include "study/erasure_request.h"

#include "base/status_macros.h"
#include "study/audit.h"
#include "study/fields.h"
#include "study/jobs.h"
#include "study/participant_rows.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

// The record at the request.
v1::Erasure NewRecord(db::Transaction& tx, const Uuid& erasure_id, const ErasureRequest& request,
                      int64_t now_us) {
  v1::Erasure erasure;
  erasure.set_erasure_id(erasure_id.ToString());
  erasure.set_study_id(request.study_id.ToString());
  erasure.set_participant_id(request.participant_id.ToString());
  erasure.set_state(v1::ERASURE_STATE_RUNNING);
  *erasure.mutable_requested_at() = TimestampOfUs(now_us);
  for (const pqxx::row& counted : tx.Exec(sql::kCountRowsOf, request.participant_id.ToString())) {
    v1::ErasedTable& table = *erasure.add_tables();
    table.set_table(counted["table_name"].as<std::string>());
    table.set_rows_left(counted["row_total"].as<uint64_t>());
  }
  return erasure;
}

}  // namespace

absl::StatusOr<v1::Erasure> QueueErasure(db::Transaction& tx, const Context& context,
                                         const ErasureRequest& request) {
  const int64_t now_us = NowUs(*context.clock);
  const Uuid id = Uuid::MakeV7(context.clock->Now());
  const v1::Erasure erasure = NewRecord(tx, id, request, now_us);
  const std::string report = erasure.SerializeAsString();
  tx.Exec(sql::kInsertErasure, id.ToString(), request.study_id.ToString(),
          request.participant_id.ToString(), request.requested_by.ToString(), now_us,
          db::Bytea(report));
  SetParticipantState(tx, request.participant_id, v1::PARTICIPANT_STATE_ERASED, now_us);
  InsertJob(tx, {.job_id = id,
                 .kind = JobKind::kErasure,
                 .study_id = request.study_id,
                 .participant_id = request.participant_id,
                 .payload = report});
  tx.SetScope({{request.participant_id}, {request.study_id}});
  TM_RETURN_IF_ERROR(AppendAudit(tx, *context.keys, *context.clock,
                                 {request.study_id.uuid,
                                  request.study_id,
                                  "erasure.participant",
                                  request.requested_by,
                                  {{"erasure", id.ToString()},
                                   {"participant", request.participant_id.ToString()},
                                   {"reason", request.reason}}}));
  return erasure;
}

}  // namespace tidemark::study
