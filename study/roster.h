// Entering many participants at once.
#pragma once

#include "absl/status/statusor.h"
#include "study/call.h"
#include "study/context.h"
#include "tidemark/v1/participant.pb.h"

namespace tidemark::study {

inline constexpr int kRosterEntriesMax = 1'000;

// Thread-safe.
class Roster {
 public:
  explicit Roster(Context context) : context_(std::move(context)) {}

  // All entries or none.
  //   INVALID_ARGUMENT  names every entry that breaks a rule
  //   ALREADY_EXISTS    a code is taken by a participant with other consent or attributes
  absl::StatusOr<v1::ImportRosterResponse> Import(const Call& call,
                                                  const v1::ImportRosterRequest& request) const;

 private:
  const Context context_;
};

}  // namespace tidemark::study
