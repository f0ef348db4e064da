// What must hold of the database before, and while, a server uses it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/db/pool.h"

namespace tidemark::server {

// The role of the pool's sessions cannot go around row-level security.
//   FAILED_PRECONDITION  it is a superuser, may bypass row security, or owns tables
absl::Status CheckRole(db::Pool& pool, absl::Time deadline);

// A commit means "on disk".
//   FAILED_PRECONDITION  naming the settings that are off
absl::Status CheckDurability(db::Pool& pool, absl::Time deadline);

// Partitions for what arrives in this month and the next ones.
absl::Status EnsurePartitions(db::Pool& pool, absl::Time deadline);

// A connection can be had, and answers.
absl::Status Probe(db::Pool& pool, absl::Time deadline);

}  // namespace tidemark::server
