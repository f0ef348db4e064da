// Reading the evidence.
// proto/tidemark/v1/audit.proto says what is computed how.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "study/call.h"
#include "study/context.h"
#include "tidemark/v1/audit.pb.h"

namespace tidemark::study {

// A place in the links of a study, in order of subject and number.
struct AuditCursor {
  Uuid subject;
  int64_t seq = 0;
};

// Thread-safe.
class AuditLog {
 public:
  explicit AuditLog(Context context) : context_(std::move(context)) {}

  //   NOT_FOUND  the participant does not belong to the study
  absl::StatusOr<v1::ListAuditResponse> List(const Call& call,
                                             const v1::ListAuditRequest& request) const;

  // Some links of the call's study after the cursor, which moves along; none at the end.
  absl::StatusOr<std::vector<v1::AuditLink>> LinksAfter(const Call& call,
                                                        AuditCursor& cursor) const;
  // Some signed roots after the one of that number (0 at first), which moves along, oldest first;
  // none at the end.
  absl::StatusOr<std::vector<v1::AuditRoot>> RootsAfter(const Call& call, int64_t& number) const;
  // That somebody took the evidence away is evidence itself.
  absl::Status RecordExport(const Call& call, const std::string& request_id) const;

 private:
  const Context context_;
};

}  // namespace tidemark::study
