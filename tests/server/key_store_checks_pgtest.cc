#include "server/key_store_checks.h"
#include "server/sql.h"
#include "tests/server/server_fixture.h"

namespace tidemark::server {
namespace {

using support::IsOk;
using support::StatusIs;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

absl::Time InAMinute() { return absl::Now() + absl::Seconds(10); }

class KeyStoreChecksTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<store::KeyStore>> Open(const std::string& folder = "keys") {
    return OpenKeyStore({.folder = folder_.File(folder)}, &pool_, InAMinute());
  }
  absl::StatusOr<std::unique_ptr<Server>> Start() {
    return Server::Start(TestConfig(database_, folder_));
  }

  const TemporaryFolder folder_;
  const support::TestDatabase database_;
  db::Pool pool_{
      {.dsn = database_.Dsn("tm_app"), .connections_max = 1, .statements = {sql::kAllStatements}}};
};

TEST_F(KeyStoreChecksTest, TheFirstStartSettlesTheFolder) {
  TM_ASSERT_OK_AND_ASSIGN(const auto keys, Open());
  TM_ASSERT_OK_AND_ASSIGN(const Uuid id, keys->Id());
  EXPECT_EQ(database_.QueryValue("select key_store_id from key_store_mark"), id.ToString());
  EXPECT_THAT(Open(), IsOk());
  EXPECT_THAT(CheckKeyStore(pool_, *keys, InAMinute()), IsOk());
}

TEST_F(KeyStoreChecksTest, AnotherFolderIsRefusedAndLeftAlone) {
  TM_ASSERT_OK_AND_ASSIGN(const auto keys, Open());
  fs::create_directory(folder_.File("empty"));
  EXPECT_THAT(Open("empty"), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("mount")));
  EXPECT_TRUE(fs::is_empty(folder_.File("empty")));
  TM_ASSERT_OK_AND_ASSIGN(const auto foreign,
                          store::OpenFolderKeyStore({.folder = folder_.File("foreign")}));
  EXPECT_THAT(Open("foreign"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another database")));
  EXPECT_THAT(CheckKeyStore(pool_, *foreign, InAMinute()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("belongs")));
}

// A database that is older than the mark.
TEST_F(KeyStoreChecksTest, AUsedDatabaseTakesNoNewFolder) {
  { TM_ASSERT_OK_AND_ASSIGN(const auto server, Start()); }
  database_.Execute("delete from key_store_mark");
  EXPECT_THAT(Open("fresh"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("used before")));
  EXPECT_THAT(Open(), IsOk());
  EXPECT_EQ(database_.QueryValue("select count(*) from key_store_mark"), "1");
}

TEST_F(KeyStoreChecksTest, AServerDoesNotStartWithAnotherFolder) {
  { TM_ASSERT_OK_AND_ASSIGN(const auto server, Start()); }
  fs::rename(folder_.File("keys"), folder_.File("away"));
  EXPECT_THAT(Start(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("mount")));
  EXPECT_FALSE(fs::exists(folder_.File("keys")));
  fs::rename(folder_.File("away"), folder_.File("keys"));
  EXPECT_THAT(Start(), IsOk());
}

}  // namespace
}  // namespace tidemark::server
