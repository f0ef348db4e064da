// Asking for erasures and looking at them. proto/tidemark/v1/erasure.proto says what each method
// promises; study/erasure_job.h and study/range_erasure_job.h carry them out.
#pragma once

#include "absl/status/statusor.h"
#include "study/call.h"
#include "study/context.h"
#include "study/range_marks.h"
#include "tidemark/v1/erasure.pb.h"

namespace tidemark::study {

// Thread-safe.
class Erasures {
 public:
  Erasures(Context context, const ClockSources& clocks)
      : context_(std::move(context)), clocks_(clocks) {}

  //   FAILED_PRECONDITION  confirm_code is not the participant's code
  absl::StatusOr<v1::EraseParticipantResponse> EraseParticipant(
      const Call& call, const v1::EraseParticipantRequest& request) const;
  //   INVALID_ARGUMENT, NOT_FOUND  as MarkRange (study/range_marks.h)
  absl::StatusOr<v1::EraseRangeResponse> EraseRange(const Call& call,
                                                    const v1::EraseRangeRequest& request) const;
  //   NOT_FOUND  no such erasure in the study
  absl::StatusOr<v1::GetErasureResponse> Get(const Call& call,
                                             const v1::GetErasureRequest& request) const;
  absl::StatusOr<v1::ListErasuresResponse> List(const Call& call,
                                                const v1::ListErasuresRequest& request) const;

 private:
  const Context context_;
  const ClockSources clocks_;
};

}  // namespace tidemark::study
