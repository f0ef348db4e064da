// What a server is started with: flags, then a file, then TIDEMARK_* variables, then defaults.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ingest/quarantine_room.h"

namespace tidemark::server {

inline constexpr char kKeysInFolder[] = "folder";

// One immutable value; see `tidemarkd --help` for what each flag means.
struct Config {
  std::string dsn;  // libpq keywords or URI, without a user
  std::string app_user = "tm_app";
  std::string ingest_user = "tm_ingest";
  std::string read_user = "tm_read";
  std::string owner_dsn;  // for --migrate only; `dsn` if empty

  std::string listen = "127.0.0.1:7420";  // port 0: any free one
  std::string port_file;
  bool behind_edge = false;
  std::string tls_cert;
  std::string tls_key;

  std::string key_store = kKeysInFolder;  // or the DSN of the database of keys, without a user
  std::string key_store_owner_dsn;        // for --migrate only; `key_store` if empty
  std::string keys_user = "tm_keys";
  std::string keys_folder;  // of a key store in a folder
  std::string kek_file;
  std::string audience = "tidemark";
  std::set<std::string> roles = {"study", "ingest", "signal"};

  bool unsafe_durability = false;
  int64_t quarantine_bytes_per_device = ingest::QuarantineQuotas().device_bytes_max;
  int64_t quarantine_bytes_per_study = ingest::QuarantineQuotas().study_bytes_max;

  int app_connections_max = 8;
  int read_connections_max = 4;
  int ingest_writers = 4;  // as IngestOptions has it
  int handler_threads_max = 64;
  absl::Duration drain = absl::Seconds(10);

  std::string log_level = "info";
  bool log_json = false;
  bool reflection = false;
};

enum class Command {
  kServe,
  kMigrate,
  kBootstrapOperator,
  kPrintConfig,
  kPrintAccess,
  kVersion,
  kHelp
};

struct CommandLine {
  Command command = Command::kServe;
  Config config;
  std::string bootstrap_file;  // of kBootstrapOperator
  std::string help;            // of kHelp
};

// `args` without the program's name.
//   INVALID_ARGUMENT  every fault there is, one per line
absl::StatusOr<CommandLine> ParseCommandLine(std::span<const std::string> args);

// What is wrong with a configuration for serving; empty if nothing is.
std::vector<std::string> FaultsOf(const Config& config);

// One line per setting, secrets as <set>.
std::string PrintConfig(const Config& config);

// `dsn` with another user.
std::string DsnOf(const std::string& dsn, const std::string& user);

}  // namespace tidemark::server
