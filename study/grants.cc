#include "study/grants.h"

#include <algorithm>
#include <string_view>

#include "base/rpc/reason.h"
#include "study/fields.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

// The last word of an enum's name, in lower case.
std::string ShortName(std::string_view name, std::string_view prefix) {
  std::string text(name.substr(std::min(prefix.size(), name.size())));
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

}  // namespace

v1::Grant SetGrant(db::Transaction& tx, const NewGrant& grant, int64_t now_us) {
  const pqxx::result rows =
      tx.Exec(sql::kSetGrant, grant.study_id.ToString(), grant.principal_id.ToString(),
              static_cast<int>(grant.role), static_cast<int>(grant.data_kinds.bits()),
              grant.granted_by.ToString(), now_us);
  v1::Grant made;
  made.set_role(grant.role);
  grant.data_kinds.ForEach([&](v1::DataKind kind) { made.add_data_kinds(kind); });
  *made.mutable_granted_at() = TimestampOfUs(rows.at(0)["granted_at_us"].as<int64_t>());
  return made;
}

bool RemoveGrant(db::Transaction& tx, StudyId study, PrincipalId principal, v1::Role role) {
  return tx.Exec(sql::kRemoveGrant, study.ToString(), principal.ToString(), static_cast<int>(role))
             .affected_rows() > 0;
}

absl::Status CheckAdminRemains(db::Transaction& tx, StudyId study, PrincipalId leaving) {
  for (const pqxx::row& row : tx.Exec(sql::kLockAdmins, study.ToString())) {
    if (row["principal_id"].as<std::string>() != leaving.ToString()) return absl::OkStatus();
  }
  return rpc::Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_LAST_ADMIN,
                    "the study would have no admin left");
}

absl::Status CheckRole(v1::Role role, PrincipalKind kind) {
  const bool is_service = kind == PrincipalKind::kService;
  if ((is_service ? rpc::kServiceRoles : rpc::kStaffRoles).Contains(role)) return absl::OkStatus();
  return rpc::FieldError("role", is_service ? "is trainer or detector"
                                            : "is labeler, researcher, manager, admin or auditor");
}

absl::StatusOr<rpc::DataKindSet> DataKindsOf(const v1::DataKindSet* kinds) {
  if (kinds == nullptr) return rpc::kOrdinaryKinds;
  rpc::DataKindSet set;
  for (const int kind : kinds->kinds()) {
    if (!v1::DataKind_IsValid(kind) || kind == v1::DATA_KIND_UNSPECIFIED ||
        set.Contains(static_cast<v1::DataKind>(kind))) {
      return rpc::FieldError("data_kinds", "has known kinds, each once");
    }
    set.Add(static_cast<v1::DataKind>(kind));
  }
  return set;
}

std::string TextOf(rpc::DataKindSet kinds) {
  std::string text;
  kinds.ForEach([&](v1::DataKind kind) {
    if (!text.empty()) text += ", ";
    text += ShortName(v1::DataKind_Name(kind), "DATA_KIND_");
  });
  return text;
}

std::string TextOf(v1::Role role) { return ShortName(v1::Role_Name(role), "ROLE_"); }

}  // namespace tidemark::study
