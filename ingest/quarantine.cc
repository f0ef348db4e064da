#include "ingest/quarantine.h"

#include <optional>
#include <string>
#include <utility>

#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "ingest/day_keys.h"
#include "ingest/pg_text.h"
#include "ingest/sql.h"
#include "store/envelope.h"
#include "study/audit.h"
#include "study/fields.h"
#include "study/page.h"

namespace tidemark::ingest {
namespace {

constexpr char kListMethod[] = "/tidemark.v1.IngestService/ListQuarantine";
constexpr size_t kReasonBytesMax = 256;

absl::Status NoSuchEntry(std::string message) {
  return rpc::Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND, std::move(message));
}

absl::Status HasLeft() {
  return rpc::Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_STATE_CONFLICT,
                    "the entry has left quarantine");
}

v1::QuarantinedChunk ChunkOfRow(const pqxx::row& row) {
  v1::QuarantinedChunk chunk;
  chunk.set_quarantine_id(row["quarantine_id"].as<std::string>());
  chunk.set_device_id(row["device_id"].as<std::string>());
  chunk.set_stream_id(row["stream_id"].as<std::string>());
  chunk.set_writer_id(row["writer_id"].as<std::string>());
  chunk.set_number(row["number"].as<uint64_t>());
  chunk.set_sha256(db::BytesOf(row["sha256"]));
  chunk.set_body_bytes(row["body_bytes"].as<uint32_t>());
  chunk.set_reason(static_cast<v1::ReceiptReason>(row["reason"].as<int>()));
  chunk.set_detail(row["detail"].as<std::string>());
  chunk.set_state(static_cast<v1::QuarantineState>(row["state"].as<int>()));
  *chunk.mutable_quarantined_at() = study::TimestampOfUs(row["quarantined_us"].as<int64_t>());
  return chunk;
}

bool IsHeld(const v1::QuarantinedChunk& chunk) {
  return chunk.state() == v1::QUARANTINE_STATE_HELD;
}

}  // namespace

absl::StatusOr<Quarantine::Entry> Quarantine::Find(db::Transaction& tx, const study::Call& call,
                                                   QuarantineId id) const {
  const pqxx::result rows =
      tx.Exec(sql::kFindQuarantined, call.participant_id.ToString(), id.ToString());
  if (rows.empty()) return NoSuchEntry("no such entry");
  Entry entry{ChunkOfRow(rows[0]), {}, {}, {}};
  TM_ASSIGN_OR_RETURN(entry.study_id, StudyId::Parse(rows[0]["study_id"].as<std::string>()));
  if (!rows[0]["body"].is_null()) entry.sealed_body = db::BytesOf(rows[0]["body"]);
  if (!rows[0]["decided_request"].is_null()) {
    entry.decided_request = rows[0]["decided_request"].as<std::string>();
  }
  return entry;
}

absl::StatusOr<std::string> Quarantine::OpenBody(const study::Call& call, QuarantineId id,
                                                 const Entry& entry) const {
  const store::EnvelopePlace place{"quarantine.body", call.participant_id, id.AsBytes()};
  auto opened = store::OpenEnvelope(*context_.keys, place, kQuarantineKeyStream, entry.sealed_body);
  if (!opened.ok()) {
    // The first entries were sealed with the key of their stream (docs/adr/0012).
    TM_ASSIGN_OR_RETURN(const StreamId stream, StreamId::Parse(entry.chunk.stream_id()));
    auto first = store::OpenEnvelope(*context_.keys, place, stream, entry.sealed_body);
    if (!first.ok()) return opened.status();
    opened = std::move(first);
  }
  return store::DecompressBody(opened->plain, kBodyBytesMax);
}

absl::Status Quarantine::Audit(db::Transaction& tx, const study::Call& call, const char* action,
                               QuarantineId id, const std::string& reason) const {
  std::map<std::string, std::string> details = {{"quarantine", id.ToString()}};
  if (!reason.empty()) details["reason"] = reason;
  return study::AppendAudit(
      tx, *context_.keys, *context_.clock,
      {call.participant_id.uuid, call.study_id, action, call.principal_id, std::move(details)});
}

absl::StatusOr<v1::ListQuarantineResponse> Quarantine::List(
    const study::Call& call, const v1::ListQuarantineRequest& request) const {
  TM_ASSIGN_OR_RETURN(const study::Page page,
                      study::Page::Open(*context_.keys, call, kListMethod, request.page_size(),
                                        request.page_token()));
  std::optional<std::string> after;
  if (!page.cursor().empty()) after = page.cursor();
  return db::Transact(*context_.pool, "ListQuarantine", call.scope, call.deadline,
                      [&](db::Transaction& tx) -> absl::StatusOr<v1::ListQuarantineResponse> {
                        const pqxx::result rows =
                            tx.Exec(sql::kListQuarantine, call.participant_id.ToString(),
                                    static_cast<int>(request.state()), after, page.rows_to_ask());
                        const int count = static_cast<int>(rows.size());
                        v1::ListQuarantineResponse response;
                        for (int i = 0; i < page.RowsOf(count); ++i)
                          *response.add_chunks() = ChunkOfRow(rows[i]);
                        if (page.HasNext(count)) {
                          response.set_next_page_token(
                              page.TokenAfter(response.chunks().rbegin()->quarantine_id()));
                        }
                        return response;
                      });
}

absl::StatusOr<v1::GetQuarantinedResponse> Quarantine::Get(
    const study::Call& call, const v1::GetQuarantinedRequest& request) const {
  TM_ASSIGN_OR_RETURN(const QuarantineId id,
                      study::ParseId<QuarantineId>("quarantine_id", request.quarantine_id()));
  TM_ASSIGN_OR_RETURN(Entry entry,
                      db::Transact(*context_.pool, "GetQuarantined", call.scope, call.deadline,
                                   [&](db::Transaction& tx) { return Find(tx, call, id); }));
  if (!IsHeld(entry.chunk)) return NoSuchEntry("the bytes are no longer in quarantine");
  TM_ASSIGN_OR_RETURN(const StreamId stream, StreamId::Parse(entry.chunk.stream_id()));
  TM_RETURN_IF_ERROR(access_.CheckSetAside(call, stream, "quarantine.read"));
  v1::GetQuarantinedResponse response;
  TM_ASSIGN_OR_RETURN(*response.mutable_body(), OpenBody(call, id, entry));
  *response.mutable_chunk() = std::move(entry.chunk);
  return response;
}

absl::StatusOr<v1::RedriveQuarantinedResponse> Quarantine::Redrive(
    const study::Call& call, const v1::RedriveQuarantinedRequest& request) const {
  TM_ASSIGN_OR_RETURN(const QuarantineId id,
                      study::ParseId<QuarantineId>("quarantine_id", request.quarantine_id()));
  TM_ASSIGN_OR_RETURN(const Uuid request_id,
                      study::ParseId<Uuid>("request_id", request.request_id()));
  // Like any other chunk, it is stored only where chunks are taken.
  TM_RETURN_IF_ERROR(ingest_->CheckReady());
  TM_RETURN_IF_ERROR(NoteRedrive(call, id));
  return context_.memory().Once<v1::RedriveQuarantinedResponse>(
      call, "RedriveQuarantined", request,
      [&](db::Transaction& tx) { return RedriveOnce(tx, call, id, request_id); });
}

// Nothing is noted where nothing can be done: of an entry that has left.
absl::Status Quarantine::NoteRedrive(const study::Call& call, QuarantineId id) const {
  return db::RunInTransaction(*context_.pool, "quarantine.redrive", call.scope, call.deadline,
                              [&](db::Transaction& tx) -> absl::Status {
                                TM_ASSIGN_OR_RETURN(const Entry entry, Find(tx, call, id));
                                if (!IsHeld(entry.chunk)) return absl::OkStatus();
                                return Audit(tx, call, "quarantine.redrive", id, "");
                              });
}

absl::StatusOr<v1::RedriveQuarantinedResponse> Quarantine::RedriveOnce(db::Transaction& tx,
                                                                       const study::Call& call,
                                                                       QuarantineId id,
                                                                       const Uuid& request) const {
  TM_ASSIGN_OR_RETURN(Entry entry, Find(tx, call, id));
  std::optional<Verdict> verdict;
  if (IsHeld(entry.chunk)) {
    TM_ASSIGN_OR_RETURN(const std::string bytes, OpenBody(call, id, entry));
    TM_ASSIGN_OR_RETURN(const DeviceId device, DeviceId::Parse(entry.chunk.device_id()));
    const Sender sender{entry.study_id, call.participant_id, device};
    auto redriven = ingest_->Redrive(sender, id, request, bytes, entry.chunk.sha256());
    // It may have been committed: asking again finds out.
    if (absl::IsUnknown(redriven.status())) {
      redriven = ingest_->Redrive(sender, id, request, bytes, entry.chunk.sha256());
    }
    TM_ASSIGN_OR_RETURN(verdict, std::move(redriven));
    TM_ASSIGN_OR_RETURN(entry, Find(tx, call, id));
  }
  if (!verdict) {
    const bool by_this_request = entry.chunk.state() == v1::QUARANTINE_STATE_REDRIVEN &&
                                 entry.decided_request == request.ToString();
    if (!by_this_request) return HasLeft();
    verdict = Verdict::Stored();
  }
  v1::RedriveQuarantinedResponse response;
  response.set_outcome(verdict->outcome);
  response.set_reason(verdict->reason);
  *response.mutable_chunk() = std::move(entry.chunk);
  return response;
}

absl::StatusOr<v1::DiscardQuarantinedResponse> Quarantine::Discard(
    const study::Call& call, const v1::DiscardQuarantinedRequest& request) const {
  TM_ASSIGN_OR_RETURN(const QuarantineId id,
                      study::ParseId<QuarantineId>("quarantine_id", request.quarantine_id()));
  if (request.reason().empty() || request.reason().size() > kReasonBytesMax) {
    return rpc::FieldError("reason", "has 1 to 256 bytes");
  }
  const std::string participant = call.participant_id.ToString();
  const auto body = [&](db::Transaction& tx) -> absl::StatusOr<v1::DiscardQuarantinedResponse> {
    TM_ASSIGN_OR_RETURN(Entry entry, Find(tx, call, id));
    const pqxx::result released =
        tx.Exec(sql::kReleaseQuarantined, participant, id.ToString(),
                static_cast<int>(v1::QUARANTINE_STATE_DISCARDED),
                TimestampText(context_.clock->Now()), request.request_id());
    if (released.empty()) return HasLeft();
    tx.Exec(sql::kAddQuarantineUsage, participant, entry.chunk.device_id(),
            -static_cast<int64_t>(entry.chunk.body_bytes()), int64_t{-1});
    TM_RETURN_IF_ERROR(Audit(tx, call, "quarantine.discard", id, request.reason()));
    entry.chunk.set_state(v1::QUARANTINE_STATE_DISCARDED);
    v1::DiscardQuarantinedResponse response;
    *response.mutable_chunk() = std::move(entry.chunk);
    return response;
  };
  return context_.memory().Once<v1::DiscardQuarantinedResponse>(call, "DiscardQuarantined", request,
                                                                body);
}

}  // namespace tidemark::ingest
