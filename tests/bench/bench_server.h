// A fresh tidemarkd over a fresh database, for one cell of a measurement.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/child_process.h"
#include "tests/bench/pg_cluster_control.h"

namespace tidemark::bench {

// What rigs that start servers of their own need.
struct RigOptions {
  std::string tidemarkd;    // the program
  std::string cluster_dsn;  // of a cluster of the bench's own, database postgres, without a user
  std::string work;         // folder for keys and logs, on the disk of the database
  std::string data;         // recordings in the layout of the shared data; empty: simulated motion
  bool quick = false;
  std::string only;  // measures what has this in its id, empty: everything
};

// Whether a figure of any of these ids is asked for by RigOptions::only.
bool IsAskedFor(std::string_view only, const std::vector<std::string>& ids);

class BenchServer {
 public:
  enum class Sealer { kIdle, kWorking };

  // Makes the database `name`, migrates it, and starts a server on it.
  static absl::StatusOr<std::unique_ptr<BenchServer>> Start(const RigOptions& options,
                                                            const std::string& name, Sealer sealer);
  // Ends the server and drops the database.
  ~BenchServer();

  // Ends the server and starts it anew on what it has, at the same address.
  absl::Status Restart(Sealer sealer);

  const std::string& address() const { return address_; }
  std::string operator_token_file() const { return folder_ + "/operator.token"; }
  const std::string& folder() const { return folder_; }
  ClusterControl& cluster() { return cluster_; }
  const ChildProcess& process() const { return *process_; }
  // Of a session that sees everything in the server's database.
  std::string SuperuserDsn() const { return cluster_.SuperuserDsnOf(database_); }

 private:
  BenchServer(const RigOptions& options, std::string database, ClusterControl cluster);
  absl::Status Prepare();
  absl::Status Launch(Sealer sealer);
  std::vector<std::string> Command(const std::vector<std::string>& more) const;

  const std::string program_;
  const std::string database_;
  const std::string folder_;
  ClusterControl cluster_;
  std::unique_ptr<ChildProcess> process_;
  std::string address_ = "127.0.0.1:0";  // any free port, and then the same one
};

}  // namespace tidemark::bench
