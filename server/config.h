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
#include "study/context.h"

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
  std::string metrics_listen;  // empty: none
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

  int service_token_days = static_cast<int>(study::kServiceTokenLife / absl::Hours(24));

  bool unsafe_durability = false;
  int64_t quarantine_bytes_per_device = ingest::QuarantineQuotas().device_bytes_max;
  int64_t quarantine_bytes_per_study = ingest::QuarantineQuotas().study_bytes_max;

  // Where the room of the database is seen: a path on its disk, or the most that it may take (0:
  // not known). At most one of them.
  std::string database_disk;
  int64_t database_bytes_max = 0;

  int app_connections_max = 8;
  int read_connections_max = 4;
  int ingest_writers = 4;                     // as IngestOptions has it
  int ingest_messages_in_flight_max = 4'096;  // likewise; not a flag
  int sealer_percent = 25;  // of the time while ingest is busy; 0: it does not run
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
  kPrintMetrics,
  kPrintBacklog,
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

// What is wrong with a configuration for serving; empty if nothing is. Looks at the values only.
std::vector<std::string> FaultsOf(const Config& config);

// What is wrong with the files that a configuration for serving names.
std::vector<std::string> FileFaultsOf(const Config& config);

// One line per setting, secrets as <set>.
std::string PrintConfig(const Config& config);

// `dsn` with another user.
std::string DsnOf(const std::string& dsn, const std::string& user);

}  // namespace tidemark::server
