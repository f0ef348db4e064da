// Asking for erasures and looking at them. proto/tidemark/v1/erasure.proto says what each method
// promises; study/erasure_job.h carries them out.
#pragma once

#include "absl/status/statusor.h"
#include "study/call.h"
#include "study/context.h"
#include "tidemark/v1/erasure.pb.h"

namespace tidemark::study {

// Thread-safe.
class Erasures {
 public:
  explicit Erasures(Context context) : context_(std::move(context)) {}

  //   FAILED_PRECONDITION  confirm_code is not the participant's code
  absl::StatusOr<v1::EraseParticipantResponse> EraseParticipant(
      const Call& call, const v1::EraseParticipantRequest& request) const;
  //   NOT_FOUND  no such erasure in the study
  absl::StatusOr<v1::GetErasureResponse> Get(const Call& call,
                                             const v1::GetErasureRequest& request) const;
  absl::StatusOr<v1::ListErasuresResponse> List(const Call& call,
                                                const v1::ListErasuresRequest& request) const;

 private:
  const Context context_;
};

}  // namespace tidemark::study
