#include "study/signal/data_access.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "store/data_kind.h"
#include "study/audit.h"
#include "study/grants.h"

namespace tidemark::study {
namespace {

absl::Status NotGranted(const std::string& kind) {
  return rpc::Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_DATA_KIND_NOT_GRANTED,
                    fmt::format("recordings of kind {} are not granted", kind));
}

}  // namespace

absl::Status DataAccess::Check(const rpc::Caller& caller, std::span<const StreamId> streams,
                               const std::string& action, absl::Time deadline) const {
  if (caller.kind == rpc::CallerKind::kDevice) return absl::OkStatus();
  TM_ASSIGN_OR_RETURN(const auto declared, catalog_->List(caller.object_participant, deadline));
  std::vector<std::pair<StreamId, std::string>> sensitive;
  for (const auto& info : declared) {
    if (std::find(streams.begin(), streams.end(), info->stream_id) == streams.end()) continue;
    const v1::DataKind kind = store::DataKindOf(static_cast<v1::Modality>(info->modality));
    const std::string name = TextOf(rpc::DataKindSet{kind});
    if (!caller.data_kinds.Contains(kind)) return NotGranted(name);
    if (rpc::kSensitiveKinds.Contains(kind)) sensitive.emplace_back(info->stream_id, name);
  }
  for (const auto& [stream, kind] : sensitive) {
    TM_RETURN_IF_ERROR(Record(caller, stream, kind, action, deadline));
  }
  return absl::OkStatus();
}

absl::Status DataAccess::Record(const rpc::Caller& caller, StreamId stream, const std::string& kind,
                                const std::string& action, absl::Time deadline) const {
  return db::RunInTransaction(
      *context_.pool, "RecordRead", caller.scope(), deadline, [&](db::Transaction& tx) {
        return AppendAudit(tx, *context_.keys, *context_.clock,
                           {caller.object_participant.uuid,
                            caller.object_study,
                            action,
                            caller.principal_id,
                            {{"stream", stream.ToString()}, {"data_kinds", kind}}});
      });
}

}  // namespace tidemark::study
