#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "base/db/pool.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"

namespace tidemark::db {
namespace {

using absl::StatusCode;
using support::EmptyDatabase;
using support::StatusIs;
using testing::HasSubstr;

constexpr Statement kAddOne{"add_one", "select $1::int + 1"};
constexpr Statement kPoolStatements[] = {kAddOne};
constexpr Statement kWrong[] = {{"find_nothing", "select * from nowhere"}};

class PoolTest : public testing::Test {
 protected:
  static const EmptyDatabase& Database() {
    static const EmptyDatabase database;
    return database;
  }
  static PoolOptions Options(size_t connections_max) {
    return {.dsn = Database().OwnerDsn(),
            .connections_max = connections_max,
            .statements = {kPoolStatements}};
  }
  static absl::Time Soon() { return absl::Now() + absl::Milliseconds(20); }

  static int PidOf(const Pool::Lease& lease) { return lease->backendpid(); }
};

TEST_F(PoolTest, ConnectionsComeWithTheirStatementsAndSession) {
  Pool pool(Options(1));
  TM_ASSERT_OK_AND_ASSIGN(const Pool::Lease lease, pool.Acquire(absl::InfiniteFuture()));
  pqxx::work tx(*lease);
  EXPECT_EQ(tx.exec_prepared1(kAddOne.name, 41)[0].as<int>(), 42);
  EXPECT_EQ(tx.exec1("show statement_timeout")[0].as<std::string>(), "30s");
  EXPECT_EQ(tx.exec1("show application_name")[0].as<std::string>(), "tidemark");
  EXPECT_EQ(tx.exec1("show timezone")[0].as<std::string>(), "UTC");
}

TEST_F(PoolTest, ReusesTheConnectionReturnedLast) {
  Pool pool(Options(2));
  std::optional<Pool::Lease> a = pool.Acquire(absl::InfiniteFuture()).value();
  std::optional<Pool::Lease> b = pool.Acquire(absl::InfiniteFuture()).value();
  const int pid_of_a = PidOf(*a);
  EXPECT_NE(pid_of_a, PidOf(*b));
  b.reset();
  a.reset();
  EXPECT_EQ(PidOf(*pool.Acquire(absl::InfiniteFuture())), pid_of_a);
}

TEST_F(PoolTest, IsExhaustedUntilALeaseEnds) {
  Pool pool(Options(1));
  {
    TM_ASSERT_OK_AND_ASSIGN(const Pool::Lease lease, pool.Acquire(Soon()));
    EXPECT_THAT(pool.Acquire(Soon()), StatusIs(StatusCode::kResourceExhausted));
    EXPECT_THAT(pool.Acquire(absl::InfinitePast()), StatusIs(StatusCode::kResourceExhausted));
  }
  EXPECT_THAT(pool.Acquire(Soon()), support::IsOk());
}

TEST_F(PoolTest, AWaiterIsWokenByAReturn) {
  Pool pool(Options(1));
  std::optional<Pool::Lease> lease = pool.Acquire(absl::InfiniteFuture()).value();
  const int pid = PidOf(*lease);
  int pid_of_waiter = 0;
  std::thread waiter([&] { pid_of_waiter = PidOf(*pool.Acquire(absl::InfiniteFuture())); });
  lease.reset();
  waiter.join();
  EXPECT_EQ(pid_of_waiter, pid);
}

TEST_F(PoolTest, ABrokenLeaseIsDroppedAndItsPlaceFree) {
  Pool pool(Options(1));
  int pid = 0;
  {
    TM_ASSERT_OK_AND_ASSIGN(Pool::Lease lease, pool.Acquire(Soon()));
    pid = PidOf(lease);
    lease.MarkBroken();
  }
  TM_ASSERT_OK_AND_ASSIGN(const Pool::Lease fresh, pool.Acquire(absl::InfiniteFuture()));
  EXPECT_NE(PidOf(fresh), pid);
}

TEST_F(PoolTest, AnIdleConnectionThatTheServerClosedIsNotHandedOut) {
  Pool pool(Options(1));
  const int pid = PidOf(*pool.Acquire(absl::InfiniteFuture()));
  Database().Execute(fmt::format("select pg_terminate_backend({}, 5000)", pid));
  TM_ASSERT_OK_AND_ASSIGN(const Pool::Lease fresh, pool.Acquire(absl::InfiniteFuture()));
  EXPECT_NE(PidOf(fresh), pid);
  pqxx::work tx(*fresh);
  EXPECT_EQ(tx.exec_prepared1(kAddOne.name, 1)[0].as<int>(), 2);
}

// Twice, with one place: a failure to connect gives its place back.
TEST_F(PoolTest, NoServerIsUnavailableEachTime) {
  Pool pool({.dsn = "host=/nonexistent dbname=t", .connections_max = 1});
  EXPECT_THAT(pool.Acquire(Soon()), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(pool.Acquire(Soon()), StatusIs(StatusCode::kUnavailable));
}

// The kernel accepts for it, and nobody ever answers.
class SilentServer {
 public:
  SilentServer() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    const bool listens = bind(socket_, generic, size) == 0 && listen(socket_, 8) == 0 &&
                         getsockname(socket_, generic, &size) == 0;
    EXPECT_TRUE(listens);
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { close(socket_); }
  int port() const { return port_; }

 private:
  const int socket_;
  int port_ = 0;
};

TEST_F(PoolTest, AServerThatNeverAnswersCostsNoMoreThanTheDeadline) {
  const SilentServer server;
  Pool pool(
      {.dsn = fmt::format("host=127.0.0.1 port={} dbname=t user=u sslmode=disable", server.port()),
       .connections_max = 1});
  const absl::Time begin = absl::Now();
  EXPECT_THAT(pool.Acquire(begin + absl::Seconds(3)), StatusIs(StatusCode::kUnavailable));
  EXPECT_LE(absl::Now() - begin, absl::Seconds(3.5));
  EXPECT_GE(absl::Now() - begin, absl::Seconds(1));
}

TEST_F(PoolTest, WrongSqlFailsAtConnectAndNamesTheStatement) {
  PoolOptions options = Options(1);
  options.statements.push_back(kWrong);
  Pool pool(options);
  EXPECT_THAT(pool.Acquire(absl::InfiniteFuture()),
              StatusIs(StatusCode::kInternal, HasSubstr("find_nothing")));
}

TEST_F(PoolTest, NeverOpensMoreThanItsMaximum) {
  PoolOptions options = Options(3);
  options.application_name = "bounded";
  Pool pool(options);
  std::vector<std::thread> users;
  for (int user = 0; user < 8; ++user) {
    users.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const auto lease = pool.Acquire(absl::InfiniteFuture());
        ASSERT_TRUE(lease.ok());
        pqxx::work tx(**lease);
        const auto open =
            tx.exec1("select count(*) from pg_stat_activity where application_name = 'bounded'");
        EXPECT_LE(open[0].as<int>(), 3);
      }
    });
  }
  for (std::thread& user : users) user.join();
}

}  // namespace
}  // namespace tidemark::db
