#include "base/rpc/guard.h"

#include <algorithm>

#include "absl/time/clock.h"

namespace tidemark::rpc {

std::vector<absl::Status> Authorizer::RecheckAll(std::span<const Caller> callers) {
  std::vector<absl::Status> answers;
  for (const Caller& caller : callers) answers.push_back(Recheck(caller, /*may_block=*/true));
  return answers;
}

absl::Time DeadlineOf(const grpc::ServerContextBase& context, absl::Duration most) {
  // A call without a deadline has one in the far future, which absl saturates.
  return std::min(absl::FromChrono(context.deadline()), absl::Now() + most);
}

}  // namespace tidemark::rpc
