// The embedded statements of every module: a new module with SQL adds its line, and links, here.
#pragma once

#include <span>
#include <vector>

#include "base/db/sql.h"
#include "base/db/statement.h"
#include "ingest/sql.h"
#include "server/sql.h"
#include "store/sealer/sql.h"
#include "store/sql.h"
#include "study/sql.h"

namespace tidemark::migrations {

struct ModuleStatements {
  const char* folder;
  std::span<const db::Statement> statements;
};

inline std::vector<ModuleStatements> AllStatements() {
  return {
      {"base/db", db::sql::kAllStatements},    {"store", store::sql::kAllStatements},
      {"study", study::sql::kAllStatements},   {"ingest", ingest::sql::kAllStatements},
      {"server", server::sql::kAllStatements}, {"store/sealer", sealer::sql::kAllStatements},
  };
}

}  // namespace tidemark::migrations
