#include "base/rpc/guard.h"

#include <algorithm>

#include "absl/time/clock.h"

namespace tidemark::rpc {

absl::Time DeadlineOf(const grpc::ServerContextBase& context, absl::Duration most) {
  // A call without a deadline has one in the far future, which absl saturates.
  return std::min(absl::FromChrono(context.deadline()), absl::Now() + most);
}

}  // namespace tidemark::rpc
