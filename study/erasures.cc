#include "study/erasures.h"

#include <string>
#include <utility>

#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/erasure_request.h"
#include "study/fields.h"
#include "study/page.h"
#include "study/participant_rows.h"
#include "study/pg_device_rows.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

constexpr size_t kErasureReasonBytesMax = 256;

// The record as it stands: what was written at the request or the end, with the state of the job.
absl::StatusOr<v1::Erasure> ErasureOfRow(const pqxx::row& row) {
  v1::Erasure erasure;
  if (!erasure.ParseFromString(db::BytesOf(row["report"]))) {
    return absl::DataLossError("the record of an erasure cannot be read");
  }
  const auto problem = row["problem"].as<std::string>();
  if (erasure.state() != v1::ERASURE_STATE_DONE && !problem.empty()) {
    erasure.set_state(v1::ERASURE_STATE_STUCK);
    erasure.set_problem(problem);
  }
  return erasure;
}

}  // namespace

// From this transaction on nobody reaches the participant, and nothing more is taken of it.
absl::StatusOr<v1::EraseParticipantResponse> Erasures::EraseParticipant(
    const Call& call, const v1::EraseParticipantRequest& request) const {
  if (request.reason().empty() || request.reason().size() > kErasureReasonBytesMax) {
    return rpc::FieldError("reason", "has 1 to 256 bytes");
  }
  return context_.memory().Once<v1::EraseParticipantResponse>(
      call, "EraseParticipant", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::EraseParticipantResponse> {
        TM_ASSIGN_OR_RETURN(const ParticipantRow row, LockParticipant(tx, call.participant_id));
        if (row.participant.code() != request.confirm_code()) {
          return StateConflict("confirm_code is not the code of the participant");
        }
        v1::EraseParticipantResponse response;
        TM_ASSIGN_OR_RETURN(*response.mutable_erasure(),
                            QueueErasure(tx, context_,
                                         {call.participant_id, call.study_id, call.principal_id,
                                          request.reason()}));
        return response;
      });
}

absl::StatusOr<v1::GetErasureResponse> Erasures::Get(const Call& call,
                                                     const v1::GetErasureRequest& request) const {
  TM_ASSIGN_OR_RETURN(const Uuid id, ParseId<Uuid>("erasure_id", request.erasure_id()));
  return db::Transact(*context_.pool, "GetErasure", call.scope, call.deadline,
                      [&](db::Transaction& tx) -> absl::StatusOr<v1::GetErasureResponse> {
                        const pqxx::result rows =
                            tx.Exec(sql::kFindErasure, call.study_id.ToString(), id.ToString());
                        if (rows.empty()) {
                          return rpc::Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                                            "no such erasure");
                        }
                        v1::GetErasureResponse response;
                        TM_ASSIGN_OR_RETURN(*response.mutable_erasure(), ErasureOfRow(rows[0]));
                        return response;
                      });
}

absl::StatusOr<v1::ListErasuresResponse> Erasures::List(
    const Call& call, const v1::ListErasuresRequest& request) const {
  TM_ASSIGN_OR_RETURN(const Page page,
                      Page::Open(*context_.keys, call, "/tidemark.v1.ErasureService/ListErasures",
                                 request.page_size(), request.page_token()));
  const std::string after = page.cursor().empty() ? Uuid().ToString() : page.cursor();
  return db::Transact(
      *context_.pool, "ListErasures", call.scope, call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::ListErasuresResponse> {
        const pqxx::result rows =
            tx.Exec(sql::kListErasures, call.study_id.ToString(), after, page.rows_to_ask());
        const int count = static_cast<int>(rows.size());
        v1::ListErasuresResponse response;
        for (int i = 0; i < page.RowsOf(count); ++i) {
          TM_ASSIGN_OR_RETURN(*response.add_erasures(), ErasureOfRow(rows[i]));
        }
        if (page.HasNext(count)) {
          response.set_next_page_token(page.TokenAfter(response.erasures().rbegin()->erasure_id()));
        }
        return response;
      });
}

}  // namespace tidemark::study
