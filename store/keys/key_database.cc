#include "store/keys/key_database.h"

#include <algorithm>

#include "store/kek_file.h"
#include "store/keys/sql.h"

namespace tidemark::keys {
namespace {

constexpr std::string_view kServicePrefix = "service/";

}  // namespace

KeyDatabase::KeyDatabase(const std::string& dsn, size_t connections_max, absl::Duration patience)
    : patience_(patience),
      pool_({.dsn = dsn,
             .application_name = "tidemark-key-store",
             .connections_max = connections_max,
             .statement_timeout = patience,
             .statements = {sql::kAllStatements}}) {}

std::string ServiceKeyRowName(std::string_view name) {
  return fmt::format("{}{}", kServicePrefix, name);
}

std::string PurposeOfInstallationKey(std::string_view row_name) {
  if (row_name == kCheckKeyName) return store::KeyPurpose("check", "");
  if (row_name == kReceiptKeyName) return store::KeyPurpose("receipt-key", "");
  return store::KeyPurpose("service-key",
                           row_name.substr(std::min(kServicePrefix.size(), row_name.size())));
}

std::optional<std::string> BytesIfAny(const pqxx::field& field) {
  return field.is_null() ? std::nullopt : std::optional(db::BytesOf(field));
}

}  // namespace tidemark::keys
