// Studies, their managers and their participants. proto/tidemark/v1/study.proto says what each
// method promises; here stands how it is kept.
#pragma once

#include "absl/status/statusor.h"
#include "study/call.h"
#include "study/context.h"
#include "tidemark/v1/study.pb.h"

namespace tidemark::study {

// Thread-safe.
class Studies {
 public:
  explicit Studies(Context context) : context_(std::move(context)) {}

  //   ALREADY_EXISTS  the name is taken
  absl::StatusOr<v1::CreateStudyResponse> Create(const Call& call,
                                                 const v1::CreateStudyRequest& request) const;
  // All studies, or the caller's own when it belongs to one.
  absl::StatusOr<v1::ListStudiesResponse> List(const Call& call,
                                               const v1::ListStudiesRequest& request) const;
  //   NOT_FOUND  no such study
  absl::StatusOr<v1::CreateManagerResponse> CreateManager(
      const Call& call, const v1::CreateManagerRequest& request) const;
  //   ALREADY_EXISTS  the study has that code
  absl::StatusOr<v1::CreateParticipantResponse> CreateParticipant(
      const Call& call, const v1::CreateParticipantRequest& request) const;
  absl::StatusOr<v1::ListParticipantsResponse> ListParticipants(
      const Call& call, const v1::ListParticipantsRequest& request) const;

 private:
  const Context context_;
};

}  // namespace tidemark::study
