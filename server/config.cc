#include "server/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <tuple>

#include "base/db/conninfo.h"
#include "base/flags/flags.h"
#include "base/loopback.h"
#include "base/status_macros.h"

namespace tidemark::server {
namespace {

const std::set<std::string> kRoles = {"study", "ingest", "signal"};
const std::set<std::string> kLogLevels = {"debug", "info", "warning", "error"};
constexpr size_t kAudienceBytesMax = 256;
constexpr int kServiceTokenDaysMax = 3'660;

// Numbers come as text, so that a wrong one is reported beside the other faults.
struct RawNumbers {
  std::string quarantine_bytes_per_device;
  std::string quarantine_bytes_per_study;
  std::string database_bytes_max;
  std::string app_connections_max;
  std::string read_connections_max;
  std::string ingest_writers;
  std::string handler_threads_max;
  std::string sealer_percent;
  std::string service_token_days;
  std::string drain_seconds;
};

struct Commands {
  bool migrate = false;
  bool print_config = false;
  bool print_access = false;
  bool print_metrics = false;
  bool print_backlog = false;
  bool version = false;
  std::string bootstrap_file;
};

void AddStoreOptions(flags::Command app, Config& config) {
  const auto add = [&](const char* flag, std::string& value, const char* help) {
    app.AddOption(flag, value, help).FromEnvironment();
  };
  add("--dsn", config.dsn, "PostgreSQL: libpq keywords or URI, without a user");
  add("--owner-dsn", config.owner_dsn, "the same as the owner, for --migrate (default: --dsn)");
  add("--app-user", config.app_user, "role of staff and device calls");
  add("--ingest-user", config.ingest_user, "role of admission and writer");
  add("--read-user", config.read_user, "role of reads of signals");
  add("--key-store", config.key_store,
      "\"folder\" (--keys), or a database of its own in another cluster: libpq keywords or URI, "
      "without a user");
  add("--key-store-owner-dsn", config.key_store_owner_dsn,
      "that database as its owner, for --migrate (default: --key-store)");
  add("--keys-user", config.keys_user, "role of the database of keys");
  add("--keys", config.keys_folder, "folder of the key store, outside of the database's backups");
  add("--database-disk", config.database_disk,
      "a path on the disk of the database, to watch the room there is");
  add("--kek", config.kek_file, "file of the key-encryption key (default: inside --keys)");
}

void AddNetworkOptions(flags::Command app, Config& config) {
  const auto add = [&](const char* flag, std::string& value, const char* help) {
    app.AddOption(flag, value, help).FromEnvironment();
  };
  add("--listen", config.listen, "address of gRPC, host:port; port 0 takes a free one");
  add("--metrics-listen", config.metrics_listen,
      "address of /metrics and /ready over HTTP, host:port (default: none)");
  add("--port-file", config.port_file, "file that gets the port once the server is up");
  add("--tls-cert", config.tls_cert, "certificate chain, PEM");
  add("--tls-key", config.tls_key, "its private key, PEM");
  add("--audience", config.audience, "what devices sign for: the public name of this installation");
  app.AddFlag("--behind-edge", config.behind_edge,
              "an edge proxy faces the network: other addresses than loopback may "
              "be listened on")
      .FromEnvironment();
}

void AddBehaviourOptions(flags::Command app, Config& config, std::string& roles) {
  app.AddOption("--roles", roles, "study, ingest, signal, with commas").FromEnvironment();
  app.AddOption("--log-level", config.log_level, "debug, info, warning or error").FromEnvironment();
  app.AddFlag("--log-json", config.log_json, "log JSON lines").FromEnvironment();
  app.AddFlag("--reflection", config.reflection, "serve gRPC reflection").FromEnvironment();
  app.AddFlag("--unsafe-durability", config.unsafe_durability,
              "take ingest from a database that may lose commits (tests only)")
      .FromEnvironment();
}

void AddNumberOptions(flags::Command app, RawNumbers& raw) {
  const auto add = [&](const char* flag, std::string& value, const char* help) {
    app.AddOption(flag, value, help).FromEnvironment();
  };
  add("--quarantine-bytes-per-device", raw.quarantine_bytes_per_device,
      "bytes held in quarantine for one device before its chunks must wait");
  add("--quarantine-bytes-per-study", raw.quarantine_bytes_per_study, "the same for one study");
  add("--database-bytes-max", raw.database_bytes_max,
      "the most bytes that the database may take, where its disk is elsewhere; 0: not known");
  add("--app-connections", raw.app_connections_max, "connections for staff and device calls");
  add("--read-connections", raw.read_connections_max, "connections for reads of signals");
  add("--ingest-writers", raw.ingest_writers, "threads that commit chunks");
  add("--handler-threads", raw.handler_threads_max, "calls handled at one time");
  add("--sealer-percent", raw.sealer_percent,
      "how much of the time the sealer may work while ingest is busy; 0: it does not run");
  add("--service-token-days", raw.service_token_days,
      "how long the token of a program holds that is entered from now on; 0: until it is revoked");
  add("--drain-seconds", raw.drain_seconds, "how long calls may take to end at shutdown");
}

void AddCommands(flags::Command app, Commands& commands) {
  app.AddFlag("--migrate", commands.migrate, "apply the migrations and exit");
  app.AddOption("--bootstrap-operator", commands.bootstrap_file,
                "make the first operator, write the token to this file, and exit; does nothing "
                "when there is an operator and the file exists");
  app.AddFlag("--print-config", commands.print_config, "print the settings in force and exit");
  app.AddFlag("--print-access", commands.print_access, "print who may call what and exit");
  app.AddFlag("--print-metrics", commands.print_metrics, "print what is counted and exit");
  app.AddFlag("--print-backlog", commands.print_backlog, "print what waits to be sealed and exit");
  app.AddFlag("--version", commands.version, "print the version and exit");
}

template <class Number>
void ParseNumber(const char* flag, const std::string& text, Number low, Number high, Number& value,
                 std::vector<std::string>& faults) {
  if (text.empty()) return;
  Number parsed{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error == std::errc() && end == text.data() + text.size() && low <= parsed && parsed <= high) {
    value = parsed;
    return;
  }
  faults.push_back(fmt::format("{}: \"{}\" is not a number from {} to {}", flag, text, low, high));
}

void ParseNumbers(const RawNumbers& raw, Config& config, std::vector<std::string>& faults) {
  constexpr int64_t kBytesMax = int64_t{1} << 50;
  ParseNumber<int64_t>("--quarantine-bytes-per-device", raw.quarantine_bytes_per_device, 0,
                       kBytesMax, config.quarantine_bytes_per_device, faults);
  ParseNumber<int64_t>("--quarantine-bytes-per-study", raw.quarantine_bytes_per_study, 0, kBytesMax,
                       config.quarantine_bytes_per_study, faults);
  ParseNumber<int64_t>("--database-bytes-max", raw.database_bytes_max, 0, kBytesMax,
                       config.database_bytes_max, faults);
  ParseNumber("--app-connections", raw.app_connections_max, 1, 1000, config.app_connections_max,
              faults);
  ParseNumber("--read-connections", raw.read_connections_max, 1, 1000, config.read_connections_max,
              faults);
  ParseNumber("--ingest-writers", raw.ingest_writers, 1, 64, config.ingest_writers, faults);
  ParseNumber("--handler-threads", raw.handler_threads_max, 4, 10'000, config.handler_threads_max,
              faults);
  ParseNumber("--service-token-days", raw.service_token_days, 0, kServiceTokenDaysMax,
              config.service_token_days, faults);
  ParseNumber("--sealer-percent", raw.sealer_percent, 0, 100, config.sealer_percent, faults);
  int drain_seconds = static_cast<int>(absl::ToInt64Seconds(config.drain));
  ParseNumber("--drain-seconds", raw.drain_seconds, 0, 3600, drain_seconds, faults);
  config.drain = absl::Seconds(drain_seconds);
}

std::set<std::string> SplitRoles(const std::string& text) {
  std::set<std::string> roles;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) roles.insert(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return roles;
}

std::string HostOf(const std::string& listen) { return listen.substr(0, listen.rfind(':')); }

bool HasPort(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  int port = -1;
  const char* end = listen.data() + listen.size();
  const auto [stop, error] = std::from_chars(listen.data() + colon + 1, end, port);
  return error == std::errc() && stop == end && port >= 0 && port <= 65535;
}

void AddressFaults(const char* setting, const std::string& address, bool behind_edge,
                   std::vector<std::string>& faults) {
  if (!HasPort(address)) {
    faults.push_back(fmt::format("{}: \"{}\" is not host:port", setting, address));
  } else if (!IsLoopbackAddress(address) && !behind_edge) {
    faults.push_back(
        fmt::format("{}: {} is not loopback: put an edge proxy in front and say --behind-edge",
                    setting, HostOf(address)));
  }
}

void NetworkFaults(const Config& config, std::vector<std::string>& faults) {
  AddressFaults("--listen", config.listen, config.behind_edge, faults);
  if (!config.metrics_listen.empty()) {
    AddressFaults("--metrics-listen", config.metrics_listen, config.behind_edge, faults);
    const bool is_taken = config.metrics_listen == config.listen && !config.listen.ends_with(":0");
    if (is_taken) faults.emplace_back("--metrics-listen: is the address of --listen");
  }
  if (config.tls_cert.empty() != config.tls_key.empty()) {
    faults.emplace_back("--tls-cert and --tls-key: give both or neither");
  }
  if (config.audience.empty() || config.audience.size() > kAudienceBytesMax) {
    faults.emplace_back("--audience: has 1 to 256 bytes");
  }
}

void RoleFaults(const Config& config, std::vector<std::string>& faults) {
  if (config.roles.empty()) faults.emplace_back("--roles: names no role");
  for (const std::string& role : config.roles) {
    if (!kRoles.contains(role)) {
      faults.push_back(
          fmt::format("--roles: \"{}\" is not one of {}", role, fmt::join(kRoles, ", ")));
    }
  }
}

void KeyStoreFaults(const Config& config, std::vector<std::string>& faults) {
  if (config.key_store == kKeysInFolder) {
    if (config.keys_folder.empty()) faults.emplace_back("--keys: is needed");
    return;
  }
  if (config.key_store.empty()) faults.emplace_back("--key-store: \"folder\" or a database");
  if (config.kek_file.empty()) faults.emplace_back("--kek: is needed with a database of keys");
}

// The one command that is asked for.
std::optional<Command> CommandOf(const Commands& commands, std::vector<std::string>& faults) {
  if (commands.version) return Command::kVersion;
  std::vector<Command> asked;
  if (commands.migrate) asked.push_back(Command::kMigrate);
  if (!commands.bootstrap_file.empty()) asked.push_back(Command::kBootstrapOperator);
  if (commands.print_config) asked.push_back(Command::kPrintConfig);
  if (commands.print_access) asked.push_back(Command::kPrintAccess);
  if (commands.print_metrics) asked.push_back(Command::kPrintMetrics);
  if (commands.print_backlog) asked.push_back(Command::kPrintBacklog);
  if (asked.size() > 1) {
    faults.emplace_back(
        "one of --migrate, --bootstrap-operator, --print-config, --print-access, "
        "--print-metrics, --print-backlog");
  }
  return asked.empty() ? Command::kServe : asked.front();
}

bool NeedsNoSettings(Command command) {
  return command == Command::kVersion || command == Command::kPrintAccess ||
         command == Command::kPrintMetrics;
}

// They go into connection strings as they are.
void UserFaults(const Config& config, std::vector<std::string>& faults) {
  const auto is_plain = [](const std::string& name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_';
    });
  };
  for (const auto& [setting, name] : {std::pair("--app-user", &config.app_user),
                                      {"--ingest-user", &config.ingest_user},
                                      {"--read-user", &config.read_user},
                                      {"--keys-user", &config.keys_user}}) {
    if (!is_plain(*name)) {
      faults.push_back(fmt::format("{}: consists of letters, digits and underscores", setting));
    }
  }
}

// What stands on a command line is seen by every user of the machine, and an environment is handed
// on to whatever is started.
void SecretFaults(const Config& config, std::vector<std::string>& faults) {
  for (const auto& [setting, dsn] : {std::pair("--dsn", &config.dsn),
                                     {"--owner-dsn", &config.owner_dsn},
                                     {"--key-store", &config.key_store},
                                     {"--key-store-owner-dsn", &config.key_store_owner_dsn}}) {
    if (dsn->empty() || *dsn == kKeysInFolder) continue;
    const absl::StatusOr<bool> holds_password = db::HoldsPassword(*dsn);
    if (!holds_password.ok()) {
      faults.push_back(fmt::format("{}: is no connection string", setting));
    } else if (*holds_password) {
      faults.push_back(fmt::format(
          "{}: holds a password: put it into a file and name that with passfile=", setting));
    }
  }
  if (std::getenv("PGPASSWORD") != nullptr) {
    faults.emplace_back("PGPASSWORD: put the password into a file and name that with passfile=");
  }
}

void CommandFaults(Command command, const Config& config, std::vector<std::string>& faults) {
  UserFaults(config, faults);
  SecretFaults(config, faults);
  if (command == Command::kMigrate || command == Command::kBootstrapOperator) {
    if (config.dsn.empty() && config.owner_dsn.empty()) faults.emplace_back("--dsn: is needed");
    return;
  }
  for (std::string& fault : FaultsOf(config)) faults.push_back(std::move(fault));
  for (std::string& fault : FileFaultsOf(config)) faults.push_back(std::move(fault));
}

}  // namespace

std::vector<std::string> FaultsOf(const Config& config) {
  std::vector<std::string> faults;
  if (config.dsn.empty()) faults.emplace_back("--dsn: is needed");
  KeyStoreFaults(config, faults);
  NetworkFaults(config, faults);
  RoleFaults(config, faults);
  if (!config.database_disk.empty() && config.database_bytes_max > 0) {
    faults.emplace_back("--database-disk and --database-bytes-max: give one of them");
  }
  if (!kLogLevels.contains(config.log_level)) {
    faults.push_back(fmt::format("--log-level: \"{}\" is not one of {}", config.log_level,
                                 fmt::join(kLogLevels, ", ")));
  }
  return faults;
}

std::vector<std::string> FileFaultsOf(const Config& config) {
  std::vector<std::string> faults;
  const std::tuple<const char*, const std::string&, int> files[] = {
      {"--tls-cert", config.tls_cert, R_OK},
      {"--tls-key", config.tls_key, R_OK},
      {"--database-disk", config.database_disk, F_OK}};
  for (const auto& [setting, path, mode] : files) {
    if (!path.empty() && access(path.c_str(), mode) != 0) {
      faults.push_back(fmt::format("{}: cannot be read: {}", setting, std::strerror(errno)));
    }
  }
  return faults;
}

absl::StatusOr<CommandLine> ParseCommandLine(std::span<const std::string> args) {
  CommandLine line;
  RawNumbers numbers;
  Commands commands;
  std::string roles = fmt::format("{}", fmt::join(line.config.roles, ","));

  flags::Parser parser(
      "The Tidemark server. Every setting is a flag, a line name=value of the file given "
      "with --config, or a variable TIDEMARK_<NAME>; what comes first in this order counts.",
      "tidemarkd");
  parser.AddSettingsFile("--config", "file of settings").FromEnvironment();
  parser.CollectUnknown();
  AddStoreOptions(parser.root(), line.config);
  AddNetworkOptions(parser.root(), line.config);
  AddBehaviourOptions(parser.root(), line.config, roles);
  AddNumberOptions(parser.root(), numbers);
  AddCommands(parser.root(), commands);

  TM_ASSIGN_OR_RETURN(const flags::Parsed parsed, parser.Parse(args));
  if (!parsed.answer.empty()) {
    line.command = Command::kHelp;
    line.help = parsed.answer;
    return line;
  }
  std::vector<std::string> faults;
  for (const std::string& unknown : parsed.unknown) {
    faults.push_back(fmt::format("{}: is no setting", unknown));
  }
  ParseNumbers(numbers, line.config, faults);
  line.config.roles = SplitRoles(roles);
  line.command = CommandOf(commands, faults).value_or(Command::kServe);
  line.bootstrap_file = commands.bootstrap_file;
  if (!NeedsNoSettings(line.command)) CommandFaults(line.command, line.config, faults);
  if (!faults.empty())
    return absl::InvalidArgumentError(fmt::format("{}", fmt::join(faults, "\n")));
  return line;
}

std::string PrintConfig(const Config& config) {
  const auto secret = [](const std::string& value) { return value.empty() ? "" : "<set>"; };
  return fmt::format(
      "dsn={}\nowner-dsn={}\napp-user={}\ningest-user={}\nread-user={}\n"
      "key-store={}\nkey-store-owner-dsn={}\nkeys-user={}\nkeys={}\nkek={}\n"
      "database-disk={}\ndatabase-bytes-max={}\nlisten={}\nmetrics-listen={}\nport-file={}\ntls-"
      "cert={}\ntls-key={}\naudience={}\nbehind-edge={}\nroles={}\n"
      "log-level={}\nlog-json={}\nreflection={}\nunsafe-durability={}\n"
      "quarantine-bytes-per-device={}\nquarantine-bytes-per-study={}\napp-connections={}\n"
      "read-connections={}\ningest-writers={}\nsealer-percent={}\nhandler-threads={}\nservice-"
      "token-days={}\n"
      "drain-seconds={}\n",
      secret(config.dsn), secret(config.owner_dsn), config.app_user, config.ingest_user,
      config.read_user, config.key_store == kKeysInFolder ? kKeysInFolder : "<set>",
      secret(config.key_store_owner_dsn), config.keys_user, config.keys_folder, config.kek_file,
      config.database_disk, config.database_bytes_max, config.listen, config.metrics_listen,
      config.port_file, config.tls_cert, config.tls_key, config.audience, config.behind_edge,
      fmt::join(config.roles, ","), config.log_level, config.log_json, config.reflection,
      config.unsafe_durability, config.quarantine_bytes_per_device,
      config.quarantine_bytes_per_study, config.app_connections_max, config.read_connections_max,
      config.ingest_writers, config.sealer_percent, config.handler_threads_max,
      config.service_token_days, absl::ToInt64Seconds(config.drain));
}

// The last value of a keyword wins, in keywords and in the query of a URI. Names of users are plain
// words (UserFaults), so that neither form has to quote them.
std::string DsnOf(const std::string& dsn, const std::string& user) {
  const bool is_uri = dsn.rfind("postgresql://", 0) == 0 || dsn.rfind("postgres://", 0) == 0;
  if (!is_uri) return fmt::format("{} user={}", dsn, user);
  return fmt::format("{}{}user={}", dsn, dsn.find('?') == std::string::npos ? '?' : '&', user);
}

}  // namespace tidemark::server
