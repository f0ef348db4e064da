// A server whose database goes away and comes back, and one that is stopped under load: what health
// and metrics tell, and that nothing is lost.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>
#include <pqxx/pqxx>

#include "base/db/migrator.h"
#include "migrations/migrations.h"
#include "tests/server/health_watch.h"
#include "tests/server/http_question.h"
#include "tests/server/senders.h"
#include "tests/server/server_questions.h"

namespace tidemark::server {
namespace {

using support::IsOk;
using ::testing::IsSubsetOf;

constexpr int kServing = 1;
constexpr int kNotServing = 2;

// A cluster that may be killed without harm to other tests, with a migrated database.
class OwnCluster {
 public:
  explicit OwnCluster(const TemporaryFolder& folder) : state_(folder.File("cluster")) {
    Run(fmt::format("pg_cluster.sh start '{}'", state_));
    std::ifstream env(state_ + "/test-pg/env");
    std::getline(env, folder_);
    folder_ = folder_.substr(folder_.find('=') + 1);
    pqxx::connection connection(SuperuserDsn("postgres"));
    pqxx::nontransaction tx(connection);
    tx.exec("create role tm_owner login createdb createrole");
    tx.exec("create database t_outage owner tm_owner");
    const auto migrated = db::Migrate(fmt::format("host={} user=tm_owner dbname=t_outage", folder_),
                                      migrations::kAll);
    EXPECT_THAT(migrated, IsOk());
  }
  ~OwnCluster() { Run(fmt::format("pg_cluster.sh stop '{}'", state_)); }

  // All processes end at once, without a checkpoint.
  void Kill() const {
    std::ifstream file(folder_ + "/data/postmaster.pid");
    pid_t postmaster = 0;
    file >> postmaster;
    ASSERT_GT(postmaster, 1);
    ASSERT_EQ(kill(postmaster, SIGQUIT), 0);
    while (std::filesystem::exists(folder_ + "/data/postmaster.pid")) std::this_thread::yield();
  }
  void StartAgain() const { Run(fmt::format("pg_base_backup.sh start '{}'", folder_)); }
  std::string SuperuserDsn(const std::string& database = "t_outage") const {
    return fmt::format("host={} user=postgres dbname={}", folder_, database);
  }

 private:
  static void Run(const std::string& script) {
    const char* const source = std::getenv("TIDEMARK_SOURCE_DIR");
    const std::string command = fmt::format(
        "{}tests/support/{} >&2", source != nullptr ? std::string(source) + "/" : "", script);
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

  const std::string state_;
  std::string folder_;
};

// Also where the fixture's own database stays unused.
class OutageTest : public ServerFixture {
 protected:
  void SetUp() override { StartServer(); }
  Config MakeConfig() const override {
    Config config = ServerFixture::MakeConfig();
    config.dsn = cluster_.SuperuserDsn();
    config.metrics_listen = "127.0.0.1:0";
    return config;
  }
  SelfProbeOptions MakeSelfProbe() const override {
    return {.pause = absl::Milliseconds(100), .timeout = absl::Seconds(20), .on_dead = [] {
              ADD_FAILURE() << "without its database a server is not dead";
            }};
  }
  std::string Page() const { return AskHttp(server_->metrics_port(), "/metrics").body; }

  const OwnCluster cluster_{folder_};
};

TEST_F(OutageTest, WithoutItsDatabaseTheServerIsNotReadyAndAlive) {
  HealthWatch whole(channel_);
  HealthWatch ingest(channel_, "tidemark.v1.IngestService");
  EXPECT_EQ(whole.Next(), kServing);
  EXPECT_EQ(ingest.Next(), kServing);
  EXPECT_EQ(AskHttp(server_->metrics_port(), "/ready").status, 200);

  cluster_.Kill();
  EXPECT_EQ(whole.Next(), kNotServing);
  EXPECT_EQ(ingest.Next(), kNotServing);
  EXPECT_EQ(AskHttp(server_->metrics_port(), "/ready").status, 503);
  const std::string page = Page();
  EXPECT_EQ(MetricOf(page, "tidemark_serving{service=\"IngestService\"}"), 0);
  EXPECT_GT(MetricOf(page, "tidemark_database_errors_total{class=\"connection\"}"), 0);
  EXPECT_EQ(MetricOf(page, "tidemark_self_probe_failures_total"), 0);

  cluster_.StartAgain();
  EXPECT_EQ(whole.Next(), kServing);
  EXPECT_EQ(ingest.Next(), kServing);
  EXPECT_EQ(AskHttp(server_->metrics_port(), "/ready").status, 200);
}

// One user of three: its password ran out, its right to log in was taken.
TEST_F(OutageTest, ALockedOutRoleTakesItsOwnServiceDown) {
  HealthWatch signal(channel_, "tidemark.v1.SignalService");
  EXPECT_EQ(signal.Next(), kServing);
  pqxx::connection connection(cluster_.SuperuserDsn());
  pqxx::nontransaction tx(connection);
  tx.exec("alter role tm_read nologin");
  tx.exec("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tm_read'");
  EXPECT_EQ(signal.Next(), kNotServing);
  const std::string page = Page();
  EXPECT_EQ(MetricOf(page, "tidemark_serving{service=\"SignalService\"}"), 0);
  EXPECT_EQ(MetricOf(page, "tidemark_serving{service=\"IngestService\"}"), 1);
  EXPECT_EQ(MetricOf(page, "tidemark_serving{service=\"StudyService\"}"), 1);
  tx.exec("alter role tm_read login");
  EXPECT_EQ(signal.Next(), kServing);
}

class DrainTest : public ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    site_ = MakeSite("drain");
    DeclareAcc(site_, stream_id_);
  }
  Config MakeConfig() const override {
    Config config = ServerFixture::MakeConfig();
    config.metrics_listen = "127.0.0.1:0";
    return config;
  }

  Site site_;
  const StreamId stream_id_ = StreamId::MakeV7();
};

TEST_F(DrainTest, UnderLoadNothingThatWasReceiptedIsLost) {
  const auto connect = [target = fmt::format("127.0.0.1:{}", server_->port())] {
    return grpc::CreateChannel(target, grpc::InsecureChannelCredentials());
  };
  // Ends by itself: an open call would keep the server from stopping.
  std::thread health([&] {
    HealthWatch watch(connect());
    EXPECT_EQ(watch.Next(), kServing);
    EXPECT_EQ(watch.Next(), kNotServing) << "it stopped before it said so";
  });
  Senders senders(4, stream_id_, site_.session_token, connect);
  senders.WaitForMore(40);
  const absl::Time begin = absl::Now();
  server_->Shutdown(absl::Seconds(20));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(20)) << "calls were cut off";
  health.join();
  senders.Stop();
  // gRPC cancels what arrives in the moment of the stop; to a device both mean "again, elsewhere".
  EXPECT_THAT(senders.failures(),
              IsSubsetOf({absl::StatusCode::kUnavailable, absl::StatusCode::kCancelled}));
  EXPECT_GE(senders.acknowledged(), 40);
  senders.ExpectAllStored(database_);
}

TEST_F(DrainTest, MetricsFollowTheChunks) {
  const auto page = [this] { return AskHttp(server_->metrics_port(), "/metrics").body; };
  const std::string before = page();
  Senders senders(2, stream_id_, site_.session_token, [this] { return channel_; });
  senders.WaitForMore(10);
  senders.Stop();
  const std::string after = page();
  const auto more = [&](const std::string& line) {
    return MetricOf(after, line) - MetricOf(before, line);
  };
  const double chunks = senders.acknowledged();
  EXPECT_EQ(more("tidemark_ingest_receipts_total{outcome=\"stored\"}"), chunks);
  EXPECT_EQ(more("tidemark_ingest_receipt_reasons_total{reason=\"unspecified\"}"), chunks);
  EXPECT_EQ(more("tidemark_ingest_commit_chunks_sum"), chunks);
  EXPECT_EQ(more("tidemark_ingest_commit_bytes_sum"), more("tidemark_ingest_stored_bytes_total"));
  EXPECT_GT(more("tidemark_ingest_stored_bytes_total"), 0);
  EXPECT_GT(more("tidemark_ingest_received_bytes_total"), 400 * chunks);
  EXPECT_GT(more("tidemark_ingest_commit_duration_seconds_sum"), 0);
  EXPECT_EQ(more("tidemark_calls_total{status=\"ok\"}"), chunks);
  EXPECT_EQ(MetricOf(after, "tidemark_ingest_queue_messages{stage=\"admission\"}"), 0);
  EXPECT_EQ(MetricOf(after, "tidemark_ingest_queue_bytes{stage=\"writer\"}"), 0);
}

TEST_F(DrainTest, RefusalsAndStrangersAreCounted) {
  const auto page = [this] { return AskHttp(server_->metrics_port(), "/metrics").body; };
  const std::string before = page();
  v1::PutChunksRequest request;
  const auto stub = v1::IngestService::NewStub(channel_);
  EXPECT_FALSE(Invoke(*stub, &v1::IngestService::Stub::PutChunks, request, "tmm_wrong").ok());
  const std::string after = page();
  for (const char* line : {"tidemark_authentication_failures_total",
                           "tidemark_calls_total{status=\"unauthenticated\"}",
                           "tidemark_refusals_total{reason=\"credential_invalid\"}"}) {
    EXPECT_EQ(MetricOf(after, line) - MetricOf(before, line), 1) << line;
  }
}

}  // namespace
}  // namespace tidemark::server
