// A base backup of a running cluster, and a second cluster over it: a database as it was before.
#pragma once

#include <string>

namespace tidemark::support {

// Takes the backup of the cluster of a database when it is made; everything of it goes on
// destruction.
class BaseBackup {
 public:
  // As the superuser, over a unix socket.
  explicit BaseBackup(const std::string& dsn);
  ~BaseBackup();
  BaseBackup(const BaseBackup&) = delete;
  BaseBackup& operator=(const BaseBackup&) = delete;

  bool taken() const { return taken_; }
  // Starts the second cluster. False if it does not come up.
  bool Start() const { return Run("start"); }
  // Of the same database in the second cluster.
  std::string SuperuserDsn() const;

 private:
  bool Run(const std::string& action) const;

  std::string folder_;
  std::string database_;
  bool taken_ = false;
};

}  // namespace tidemark::support
