// Consent, state and attributes of participants. proto/tidemark/v1/participant.proto says what each
// method promises; here stands how it is kept.
#pragma once

#include "absl/status/statusor.h"
#include "study/call.h"
#include "study/context.h"
#include "tidemark/v1/participant.pb.h"

namespace tidemark::study {

// Thread-safe.
class Participants {
 public:
  explicit Participants(Context context) : context_(std::move(context)) {}

  absl::StatusOr<v1::GetParticipantResponse> Get(const Call& call,
                                                 const v1::GetParticipantRequest& request) const;
  //   FAILED_PRECONDITION  a grant for somebody who does not take part any more
  absl::StatusOr<v1::RecordConsentResponse> RecordConsent(
      const Call& call, const v1::RecordConsentRequest& request) const;
  absl::StatusOr<v1::ListConsentsResponse> ListConsents(
      const Call& call, const v1::ListConsentsRequest& request) const;
  absl::StatusOr<v1::SetAttributesResponse> SetAttributes(
      const Call& call, const v1::SetAttributesRequest& request) const;
  //   FAILED_PRECONDITION  not active
  absl::StatusOr<v1::CompleteParticipantResponse> Complete(
      const Call& call, const v1::CompleteParticipantRequest& request) const;
  absl::StatusOr<v1::WithdrawParticipantResponse> Withdraw(
      const Call& call, const v1::WithdrawParticipantRequest& request) const;

 private:
  const Context context_;
};

}  // namespace tidemark::study
