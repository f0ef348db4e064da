// Applies migrations, forward only: one transaction per file that also records its checksum.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tidemark::db {

// A file NNNN_verb_noun.sql of migrations/, embedded at build.
struct Migration {
  int version;       // NNNN; consecutive from 1
  const char* name;  // verb_noun
  const char* text;  // "-- no-transaction" on the first line: one statement, run outside of one
};

struct MigrationReport {
  std::vector<int> applied;  // versions applied by this call
  int version = 0;           // of the database afterwards
};

// Takes an advisory lock, so that racing migrators apply each file exactly once.
//   FAILED_PRECONDITION  an applied file's checksum differs, or the database is newer than this
//                        binary
absl::StatusOr<MigrationReport> Migrate(const std::string& dsn,
                                        std::span<const Migration> migrations);

// OK if the database is exactly at the newest migration with matching checksums; otherwise
// FAILED_PRECONDITION with what to do.
absl::Status CheckMigrated(const std::string& dsn, std::span<const Migration> migrations);

}  // namespace tidemark::db
