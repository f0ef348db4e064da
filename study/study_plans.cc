#include "study/study_plans.h"

#include <fmt/format.h>

#include <set>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "base/db/transaction.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "study/audit.h"
#include "study/fields.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

constexpr uint32_t kParticipantsMax = 1'000'000;
constexpr uint32_t kDaysMax = 3'660;
constexpr uint32_t kContactDaysMax = 365;
constexpr int kStreamsMax = 64;
constexpr double kHoursMax = 24;
constexpr size_t kRulesBytesMax = 4'096;

// False for NaN too.
bool IsHours(double hours) { return hours >= 0 && hours <= kHoursMax; }

absl::Status CheckStreams(const v1::StudyPlan& plan) {
  if (plan.streams_size() > kStreamsMax) return rpc::FieldError("plan.streams", "has at most 64");
  std::set<std::pair<std::string, std::string>> seen;
  for (int i = 0; i < plan.streams_size(); ++i) {
    const v1::PlannedStream& stream = plan.streams(i);
    const std::string field = fmt::format("plan.streams[{}].", i);
    TM_RETURN_IF_ERROR(CheckLabel(field + "device_name", stream.device_name()));
    TM_RETURN_IF_ERROR(CheckLabel(field + "stream_name", stream.stream_name()));
    if (!IsHours(stream.hours_a_day()) || stream.hours_a_day() == 0) {
      return rpc::FieldError(field + "hours_a_day", "is above 0 and at most 24");
    }
    if (!seen.emplace(stream.device_name(), stream.stream_name()).second) {
      return rpc::FieldError(field + "stream_name", "stands once per device");
    }
  }
  return absl::OkStatus();
}

// The names that the machine's zone database has, and no path out of it.
bool IsTimeZone(const std::string& name) {
  absl::TimeZone zone;
  return name.empty() || (name.size() <= 64 && name.front() != '/' && name.front() != ':' &&
                          name.find("..") == std::string::npos && absl::LoadTimeZone(name, &zone));
}

}  // namespace

absl::Status CheckStudyPlan(const v1::StudyPlan& plan) {
  if (plan.participants() > kParticipantsMax) {
    return rpc::FieldError("plan.participants", "is at most 1,000,000");
  }
  if (plan.days() > kDaysMax) return rpc::FieldError("plan.days", "is at most 3,660");
  if (!IsHours(plan.worn_hours_a_day())) {
    return rpc::FieldError("plan.worn_hours_a_day", "is from 0 to 24");
  }
  if (plan.contact_after_days() > kContactDaysMax) {
    return rpc::FieldError("plan.contact_after_days", "is at most 365");
  }
  if (plan.contact_rules().size() > kRulesBytesMax) {
    return rpc::FieldError("plan.contact_rules", "has at most 4,096 bytes");
  }
  if (!IsTimeZone(plan.time_zone())) {
    return rpc::FieldError("plan.time_zone", "is a name such as Europe/Berlin, or empty");
  }
  return CheckStreams(plan);
}

absl::StatusOr<v1::SetStudyPlanResponse> StudyPlans::Set(
    const Call& call, const v1::SetStudyPlanRequest& request) const {
  TM_RETURN_IF_ERROR(CheckStudyPlan(request.plan()));
  const std::string plan = request.plan().SerializeAsString();
  return context_.memory().Once<v1::SetStudyPlanResponse>(
      call, "SetStudyPlan", request,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::SetStudyPlanResponse> {
        tx.Exec(sql::kSetStudyPlan, call.study_id.ToString(), db::Bytea(plan));
        TM_RETURN_IF_ERROR(
            AppendAudit(tx, *context_.keys, *context_.clock,
                        {call.study_id.uuid,
                         call.study_id,
                         "plan.set",
                         call.principal_id,
                         {{"participants", fmt::format("{}", request.plan().participants())},
                          {"days", fmt::format("{}", request.plan().days())},
                          {"streams", fmt::format("{}", request.plan().streams_size())}}}));
        return v1::SetStudyPlanResponse();
      });
}

absl::StatusOr<v1::GetStudyPlanResponse> StudyPlans::Get(
    const Call& call, const v1::GetStudyPlanRequest& /*request*/) const {
  return db::Transact(
      *context_.pool, "GetStudyPlan", call.scope, call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::GetStudyPlanResponse> {
        const pqxx::result rows = tx.Exec(sql::kFindStudyPlan, call.study_id.ToString());
        v1::GetStudyPlanResponse response;
        response.mutable_plan();
        if (rows.empty() || rows[0]["plan"].is_null()) return response;
        if (!response.mutable_plan()->ParseFromString(db::BytesOf(rows[0]["plan"]))) {
          return absl::DataLossError("the plan of the study cannot be read");
        }
        return response;
      });
}

}  // namespace tidemark::study
