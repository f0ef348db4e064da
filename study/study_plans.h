// What studies aim at: how many people, for how long, recording what.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "study/call.h"
#include "study/context.h"
#include "tidemark/v1/study.pb.h"

namespace tidemark::study {

// INVALID_ARGUMENT naming the field that breaks its documented range.
absl::Status CheckStudyPlan(const v1::StudyPlan& plan);

// Thread-safe.
class StudyPlans {
 public:
  explicit StudyPlans(Context context) : context_(std::move(context)) {}

  absl::StatusOr<v1::SetStudyPlanResponse> Set(const Call& call,
                                               const v1::SetStudyPlanRequest& request) const;
  absl::StatusOr<v1::GetStudyPlanResponse> Get(const Call& call,
                                               const v1::GetStudyPlanRequest& request) const;

 private:
  const Context context_;
};

}  // namespace tidemark::study
