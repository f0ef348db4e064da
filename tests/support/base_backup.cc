#include "tests/support/base_backup.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <pqxx/pqxx>

namespace tidemark::support {

BaseBackup::BaseBackup(const std::string& dsn) {
  char folder[] = "/tmp/tm-bk-XXXXXX";
  const char* const made = mkdtemp(folder);
  if (made == nullptr) return;
  folder_ = made;
  pqxx::connection connection(dsn);
  database_ = connection.dbname();
  taken_ = Run(fmt::format("take '{}'", connection.hostname()));
}

BaseBackup::~BaseBackup() {
  if (!folder_.empty()) Run("stop");
}

std::string BaseBackup::SuperuserDsn() const {
  return fmt::format("host='{}' user='postgres' dbname='{}'", folder_, database_);
}

bool BaseBackup::Run(const std::string& action) const {
  const char* const source = getenv("TIDEMARK_SOURCE_DIR");
  return system(fmt::format("'{}/tests/support/pg_base_backup.sh' {} '{}'",
                            source != nullptr ? source : TIDEMARK_SOURCE_DIR, action, folder_)
                    .c_str()) == 0;
}

}  // namespace tidemark::support
