#include "study/data_access.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "store/data_kind.h"
#include "study/audit.h"
#include "study/grants.h"
#include "study/participant_rows.h"

namespace tidemark::study {
namespace {

absl::Status NeverConsented(rpc::DataKindSet kinds) {
  return rpc::Error(
      absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_DATA_KIND_NOT_GRANTED,
      fmt::format("the participant never consented to recordings of kind {}", TextOf(kinds)));
}

absl::Status NotGranted(rpc::DataKindSet kinds) {
  return rpc::Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_DATA_KIND_NOT_GRANTED,
                    fmt::format("recordings of kind {} are not granted", TextOf(kinds)));
}

}  // namespace

absl::Status DataAccess::Check(const Call& call, std::span<const StreamId> streams,
                               const std::string& action) const {
  if (!call.device_id.IsZero()) return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(const Kinds kinds, KindsOf(call, streams));
  return Admit(call, kinds, action);
}

absl::Status DataAccess::CheckSetAside(const Call& call, StreamId stream,
                                       const std::string& action) const {
  TM_ASSIGN_OR_RETURN(Kinds kinds, KindsOf(call, std::span(&stream, 1)));
  if (kinds.empty()) kinds.emplace(stream, rpc::kAllKinds);
  TM_RETURN_IF_ERROR(CheckConsent(call, kinds.at(stream)));
  return Admit(call, kinds, action);
}

// Of the time of what was set aside nothing is known: consent for any instant is enough.
absl::Status DataAccess::CheckConsent(const Call& call, rpc::DataKindSet kinds) const {
  TM_ASSIGN_OR_RETURN(
      const std::vector<v1::Consent> decisions,
      db::Transact(*context_.pool, "FindConsents", call.scope, call.deadline,
                   [&](db::Transaction& tx) -> absl::StatusOr<std::vector<v1::Consent>> {
                     return FindDecisions(tx, call.participant_id);
                   }));
  const store::ConsentTimeline timeline = TimelineOf(decisions);
  rpc::DataKindSet never;
  kinds.ForEach([&](v1::DataKind kind) {
    if (timeline.Granted(kind).IsNever()) never.Add(kind);
  });
  return never.IsEmpty() ? absl::OkStatus() : NeverConsented(never);
}

absl::StatusOr<DataAccess::Kinds> DataAccess::KindsOf(const Call& call,
                                                      std::span<const StreamId> streams) const {
  TM_ASSIGN_OR_RETURN(const auto declared, catalog_->List(call.participant_id, call.deadline));
  Kinds kinds;
  for (const auto& info : declared) {
    if (std::find(streams.begin(), streams.end(), info->stream_id) == streams.end()) continue;
    kinds[info->stream_id].Add(store::DataKindOf(static_cast<v1::Modality>(info->modality)));
  }
  return kinds;
}

// All of them may be read before the first is recorded.
absl::Status DataAccess::Admit(const Call& call, const Kinds& kinds,
                               const std::string& action) const {
  for (const auto& [stream, of_stream] : kinds) {
    const rpc::DataKindSet missing = of_stream.Without(call.data_kinds);
    if (!missing.IsEmpty()) return NotGranted(missing);
  }
  for (const auto& [stream, of_stream] : kinds) {
    if (!of_stream.Intersects(rpc::kSensitiveKinds)) continue;
    TM_RETURN_IF_ERROR(Record(call, stream, of_stream, action));
  }
  return absl::OkStatus();
}

absl::Status DataAccess::Record(const Call& call, StreamId stream, rpc::DataKindSet kinds,
                                const std::string& action) const {
  return db::RunInTransaction(
      *context_.pool, "RecordRead", call.scope, call.deadline, [&](db::Transaction& tx) {
        return AppendAudit(tx, *context_.keys, *context_.clock,
                           {call.participant_id.uuid,
                            call.study_id,
                            action,
                            call.principal_id,
                            {{"stream", stream.ToString()}, {"data_kinds", TextOf(kinds)}}});
      });
}

}  // namespace tidemark::study
