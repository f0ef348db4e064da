// Signing the evidence once a day. docs/adr/0023 says what a root is and what it proves.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/crypto.h"
#include "study/context.h"

namespace tidemark::study {

// A root names at most so many ends of chains; a study with more has several roots a day.
inline constexpr int kHeadsPerRootMax = 10'000;

// Signs the ends of all chains of every study, and of the installation, that has no root for the
// present UTC day. Fine to call often and from several servers: the first one of a day counts.
// `key_id` names the public half. `heads_per_root` is for tests. Studies that cannot be signed do
// not stop the others; returns the last of their errors.
absl::Status SignAuditRoots(const Context& context, const SigningKey& key,
                            const std::string& key_id, absl::Time deadline,
                            int heads_per_root = kHeadsPerRootMax);

}  // namespace tidemark::study
