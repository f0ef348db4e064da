// A bounded pool of libpqxx connections.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <pqxx/pqxx>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/db/database_metrics.h"
#include "base/db/statement.h"
#include "base/mutex.h"

namespace tidemark::db {

struct PoolOptions {
  std::string dsn;  // libpq keywords or URI; PG* environment applies
  std::string application_name = "tidemark";
  size_t connections_max = 8;
  absl::Duration statement_timeout = absl::Seconds(30);     // floor of the session
  std::vector<std::span<const Statement>> statements = {};  // prepared on every connection
};

// Thread-safe. Connects lazily and outside its lock; idle connections are reused last in, first
// out. The pool outlives its leases.
class Pool {
 public:
  // A borrowed connection. Returned on destruction; dropped instead when it broke (MarkBroken, or
  // the backend is gone).
  class Lease {
   public:
    Lease(Pool* pool, std::unique_ptr<pqxx::connection> connection);
    Lease(Lease&&) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    pqxx::connection& operator*() const { return *connection_; }
    pqxx::connection* operator->() const { return connection_.get(); }
    void MarkBroken() { broken_ = true; }

   private:
    Pool* pool_;
    std::unique_ptr<pqxx::connection> connection_;
    bool broken_ = false;
  };

  explicit Pool(PoolOptions options);
  ~Pool();

  //   OK                 a connection with every statement prepared
  //   RESOURCE_EXHAUSTED all connections were busy until `deadline`
  //   UNAVAILABLE        the database cannot be reached
  // A host that takes connections and says nothing may cost 2 s where less is left: libpq waits no
  // shorter.
  absl::StatusOr<Lease> Acquire(absl::Time deadline);

  const PoolOptions& options() const { return options_; }

 private:
  absl::StatusOr<std::unique_ptr<pqxx::connection>> Connect(absl::Time deadline) const;
  void Return(std::unique_ptr<pqxx::connection> connection, bool broken);
  PoolReadings::Now Look() TM_EXCLUDES(mutex_);

  const PoolOptions options_;
  Mutex mutex_;
  CondVar room_;
  std::vector<std::unique_ptr<pqxx::connection>> idle_ TM_GUARDED_BY(mutex_);
  size_t open_ TM_GUARDED_BY(mutex_) = 0;
  size_t waiting_ TM_GUARDED_BY(mutex_) = 0;
  const PoolReadings readings_;  // the last member: it asks for the others
};

}  // namespace tidemark::db
