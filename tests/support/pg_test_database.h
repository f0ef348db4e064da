// Databases for tests that need PostgreSQL: each test binary gets its own, and leaves none behind.
//
// The server is the throw-away cluster that ctest starts (tests/support/pg_cluster.sh). A test
// binary that is run by hand starts the same cluster itself when there is none, and leaves it
// running for the next one; `ctest` or `pg_cluster.sh stop` ends it. TEST_DATABASE_URL names
// another server: a database on it called t_..., as a superuser and without a password.
//
// Without a server these end the process with the reason: a test is never skipped.
#pragma once

#include <string>
#include <string_view>

namespace tidemark::support {

// An empty database, dropped on destruction.
class EmptyDatabase {
 public:
  EmptyDatabase();
  ~EmptyDatabase();
  EmptyDatabase(const EmptyDatabase&) = delete;
  EmptyDatabase& operator=(const EmptyDatabase&) = delete;

  // libpq keywords for the role that owns and migrates the database; like that of a real site it is
  // no superuser, so forced row-level security binds it.
  std::string OwnerDsn() const;
  // The same as another role: tm_ingest, tm_app or tm_read.
  std::string Dsn(std::string_view role) const;
  // As the superuser, who sees and may do everything: to set a scene or to look behind it.
  std::string SuperuserDsn() const;
  const std::string& name() const { return name_; }

  // Runs SQL as the superuser, outside of a transaction; ends the process when it fails.
  void Execute(const std::string& sql) const;
  // The first column of the first row of a query, run as the superuser; "" when there is no row.
  std::string QueryValue(const std::string& sql) const;

 protected:
  // A copy of the database `from`; `from` empty: of template0.
  explicit EmptyDatabase(const std::string& from);

 private:
  std::string name_;
};

// A database at the newest migration: a copy of a template that is migrated once per cluster and
// set of migrations.
class TestDatabase : public EmptyDatabase {
 public:
  TestDatabase();
  // One for the whole process, made at the first call: for tests that use ids of their own.
  static TestDatabase& Shared();
};

}  // namespace tidemark::support
