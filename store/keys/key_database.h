// The database of keys, as the parts of a key store over it use it.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/db/pool.h"
#include "base/db/transaction.h"

namespace tidemark::keys {

// Thread-safe.
class KeyDatabase {
 public:
  KeyDatabase(const std::string& dsn, size_t connections_max, absl::Duration patience);

  // Runs `body(tx)`, which returns absl::StatusOr<T>, in one transaction. Whatever goes wrong with
  // the database is UNAVAILABLE: any other code would say something about a key.
  template <class Body>
  auto Run(const char* name, Body&& body) -> std::invoke_result_t<Body, db::Transaction&> {
    using Result = std::invoke_result_t<Body, db::Transaction&>;
    std::optional<Result> result;
    const absl::Status ran =
        db::RunInTransaction(pool_, name, db::AccessScope::None(), absl::Now() + patience_,
                             [&](db::Transaction& tx) -> absl::Status {
                               result.reset();
                               result = body(tx);
                               // What the body refused is rolled back; ABORTED would be run again.
                               return result->ok() ? absl::OkStatus() : absl::CancelledError();
                             });
    if (ran.ok() || (absl::IsCancelled(ran) && result && !result->ok())) return *std::move(result);
    return absl::UnavailableError(fmt::format("key store: {}", std::string(ran.message())));
  }

 private:
  const absl::Duration patience_;
  db::Pool pool_;
};

// Keys of the installation, by their names in the table.
inline constexpr char kCheckKeyName[] = "check";
inline constexpr char kReceiptKeyName[] = "receipt";
std::string ServiceKeyRowName(std::string_view name);
// What a key of the installation is wrapped for.
std::string PurposeOfInstallationKey(std::string_view row_name);

// The bytes, unless the field is null.
std::optional<std::string> BytesIfAny(const pqxx::field& field);

}  // namespace tidemark::keys
