#include "server/config.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/ids.h"
#include "tests/support/status_matchers.h"

namespace tidemark::server {
namespace {

using support::IsOk;
using support::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

absl::StatusOr<CommandLine> Parse(std::vector<std::string> args) { return ParseCommandLine(args); }

std::vector<std::string> Good(std::vector<std::string> more = {}) {
  std::vector<std::string> args = {"--dsn", "host=/run dbname=t", "--keys", "/keys"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

Config GoodConfig() {
  Config config;
  config.dsn = "host=/run dbname=t";
  config.keys_folder = "/keys";
  return config;
}

TEST(ConfigTest, FlagsAreTaken) {
  TM_ASSERT_OK_AND_ASSIGN(
      const CommandLine line,
      Parse(Good({"--listen", "127.0.0.1:0", "--roles", "study,signal", "--ingest-writers", "7",
                  "--reflection", "--drain-seconds", "3", "--service-token-days", "30",
                  "--sealer-percent", "0"})));
  EXPECT_EQ(line.command, Command::kServe);
  EXPECT_EQ(line.config.dsn, "host=/run dbname=t");
  EXPECT_THAT(line.config.roles, ElementsAre("signal", "study"));
  EXPECT_EQ(line.config.ingest_writers, 7);
  EXPECT_EQ(line.config.sealer_percent, 0);
  EXPECT_TRUE(line.config.reflection);
  EXPECT_EQ(line.config.drain, absl::Seconds(3));
  EXPECT_EQ(line.config.service_token_days, 30);
}

TEST(ConfigTest, AllFaultsComeTogether) {
  const auto result = Parse({"--listen", "0.0.0.0:7", "--tls-cert", "c.pem", "--roles", "study,web",
                             "--ingest-writers", "many", "--nonsense", "--log-level", "loud",
                             "--read-user", "x' host=elsewhere"});
  EXPECT_THAT(
      result.status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("--dsn"), HasSubstr("--keys"), HasSubstr("--behind-edge"),
                     HasSubstr("--tls-key"), HasSubstr("\"web\""), HasSubstr("\"many\""),
                     HasSubstr("--nonsense"), HasSubstr("\"loud\""), HasSubstr("--read-user"))));
}

TEST(ConfigTest, FlagsComeBeforeTheFileAndTheFileBeforeVariables) {
  const std::string path =
      (std::filesystem::temp_directory_path() / Uuid::MakeRandom().ToString()).string();
  std::ofstream(path) << "audience=\"from-file\"\nlog-level=\"error\"\n";
  setenv("TIDEMARK_AUDIENCE", "from-variable", 1);
  setenv("TIDEMARK_PORT_FILE", "/from-variable", 1);
  const auto line = Parse(Good({"--config", path, "--log-level", "debug"}));
  unsetenv("TIDEMARK_AUDIENCE");
  unsetenv("TIDEMARK_PORT_FILE");
  std::filesystem::remove(path);
  ASSERT_THAT(line, IsOk());
  EXPECT_EQ(line->config.log_level, "debug");
  EXPECT_EQ(line->config.audience, "from-file");
  EXPECT_EQ(line->config.port_file, "/from-variable");
}

TEST(ConfigTest, OtherThanLoopbackNeedsAnEdge) {
  for (const char* listen : {"127.0.0.1:1", "127.8.0.1:0", "[::1]:1", "localhost:1"}) {
    Config config = GoodConfig();
    config.listen = listen;
    EXPECT_THAT(FaultsOf(config), IsEmpty()) << listen;
  }
  for (const char* listen : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "example.org:1",
                             "127.0.0.1.example.org:1", "127.evil.org:1"}) {
    Config config = GoodConfig();
    config.listen = listen;
    EXPECT_THAT(FaultsOf(config), Not(IsEmpty())) << listen;
    config.behind_edge = true;
    EXPECT_THAT(FaultsOf(config), IsEmpty()) << listen;
  }
  for (const char* listen : {"", "127.0.0.1", "127.0.0.1:", ":1", "127.0.0.1:65536", "a:-1"}) {
    Config config = GoodConfig();
    config.listen = listen;
    EXPECT_THAT(FaultsOf(config), Not(IsEmpty())) << listen;
  }
}

TEST(ConfigTest, CommandsExcludeEachOther) {
  EXPECT_EQ(Parse(Good({"--migrate"}))->command, Command::kMigrate);
  const auto both = Parse(Good({"--migrate", "--print-access"}));
  EXPECT_THAT(both.status(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("one of")));
  EXPECT_THAT(Parse({"--version"}), IsOk());
  EXPECT_THAT(Parse({"--help"})->help, HasSubstr("--behind-edge"));
}

TEST(ConfigTest, PrintingHidesConnectionStrings) {
  Config config = GoodConfig();
  config.dsn = "host=/run password=hunter2";
  config.owner_dsn = "host=/run password=hunter3";
  const std::string text = PrintConfig(config);
  EXPECT_THAT(text, Not(HasSubstr("hunter")));
  EXPECT_THAT(text, HasSubstr("dsn=<set>"));
}

TEST(ConfigTest, SecretsStandInFilesOnly) {
  for (const char* dsn : {"host=/run password=hunter2", "postgresql://u:hunter2@h/d"}) {
    const auto line = Parse({"--dsn", dsn, "--keys", "/keys"});
    EXPECT_THAT(line.status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--dsn: holds a password")));
    EXPECT_THAT(std::string(line.status().message()), Not(HasSubstr("hunter")));
  }
  EXPECT_THAT(Parse({"--dsn", "host='", "--keys", "/keys"}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no connection string")));
  EXPECT_THAT(Parse(Good({"--owner-dsn", "host=/run passfile=/etc/pgpass"})), IsOk());
}

TEST(ConfigTest, MetricsHaveAPortOfTheirOwn) {
  Config config = GoodConfig();
  config.metrics_listen = "127.0.0.1:7421";
  EXPECT_THAT(FaultsOf(config), IsEmpty());
  config.metrics_listen = config.listen;
  EXPECT_THAT(FaultsOf(config), ElementsAre(HasSubstr("is the address of --listen")));
  config.metrics_listen = "0.0.0.0:7421";
  EXPECT_THAT(FaultsOf(config), ElementsAre(HasSubstr("--behind-edge")));
  config.behind_edge = true;
  EXPECT_THAT(FaultsOf(config), IsEmpty());
  config.listen = config.metrics_listen = "127.0.0.1:0";
  EXPECT_THAT(FaultsOf(config), IsEmpty()) << "two free ports";
}

TEST(ConfigTest, RoomOfTheDatabaseIsSeenInOneWay) {
  Config config = GoodConfig();
  config.database_disk = "/";
  EXPECT_THAT(FileFaultsOf(config), IsEmpty());
  config.database_bytes_max = 1;
  EXPECT_THAT(FaultsOf(config), ElementsAre(HasSubstr("give one of them")));
  config.database_disk = "/nonexistent";
  config.tls_key = "/nonexistent";
  EXPECT_THAT(FileFaultsOf(config),
              ElementsAre(HasSubstr("--tls-key"), HasSubstr("--database-disk")));
}

TEST(ConfigTest, KeysMayLieInADatabaseWithTheirKeyEncryptionKeyInAFile) {
  Config config = GoodConfig();
  config.keys_folder.clear();
  config.key_store = "host=/elsewhere password=hunter4";
  EXPECT_THAT(FaultsOf(config), ElementsAre(HasSubstr("--kek")));
  config.kek_file = "/kek";
  EXPECT_THAT(FaultsOf(config), IsEmpty());
  EXPECT_THAT(PrintConfig(config), AllOf(HasSubstr("key-store=<set>"), Not(HasSubstr("hunter"))));
  config.key_store = "";
  EXPECT_THAT(FaultsOf(config), Not(IsEmpty()));
  EXPECT_THAT(PrintConfig(GoodConfig()), HasSubstr("key-store=folder"));
}

TEST(ConfigTest, UserIsAddedToBothFormsOfAConnectionString) {
  EXPECT_EQ(DsnOf("host=/run user=x", "tm_app"), "host=/run user=x user=tm_app");
  EXPECT_EQ(DsnOf("postgresql://h/d", "tm_app"), "postgresql://h/d?user=tm_app");
  EXPECT_EQ(DsnOf("postgres://h/d?sslmode=require", "tm_app"),
            "postgres://h/d?sslmode=require&user=tm_app");
}

}  // namespace
}  // namespace tidemark::server
