// The first operator: who makes all others.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/db/pool.h"

namespace tidemark::study {

// Makes an operator if there is none. `keep(token)` must put the token where it cannot be lost; it
// is called before the commit, and nothing is made when it fails.
//   FAILED_PRECONDITION  there is an operator
absl::Status CreateFirstOperator(db::Pool& pool, const Clock& clock, absl::Time deadline,
                                 absl::FunctionRef<absl::Status(const std::string&)> keep);

}  // namespace tidemark::study
