#include "ingest/client/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "ingest/client/session.h"
#include "tests/ingest/client/fake_server.h"
#include "tests/ingest/client/test_folder.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

namespace fs = std::filesystem;
using support::IsOk;
using support::StatusIs;

class IdentityTest : public ::testing::Test {
 protected:
  TestFolder folder_;
  FakeServer server_;
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};

  absl::StatusOr<Identity> Enrol() {
    return Identity::Enrol(server_.channel(), {"in-process", ""}, folder_ / "device", "code");
  }
};

TEST_F(IdentityTest, IsLoadedAsItWasEnrolled) {
  TM_ASSERT_OK_AND_ASSIGN(const Identity enrolled, Enrol());
  TM_ASSERT_OK_AND_ASSIGN(const Identity loaded, Identity::Load(folder_ / "device"));
  EXPECT_EQ(loaded.device_id(), server_.device_id);
  EXPECT_EQ(loaded.participant_id(), server_.participant_id);
  EXPECT_EQ(loaded.audience(), "test-audience");
  EXPECT_EQ(loaded.address().target, "in-process");
  const auto mode = fs::status(folder_ / "device/key.pem").permissions();
  EXPECT_EQ(mode & (fs::perms::group_all | fs::perms::others_all), fs::perms::none);
}

TEST_F(IdentityTest, ALostAnswerDoesNotCostTheKey) {
  server_.Fail("Enrol", absl::UnavailableError("lost"));
  EXPECT_FALSE(Enrol().ok());
  const std::string first_key = server_.seen().last_public_key;
  EXPECT_THAT(Identity::Load(folder_ / "device"), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_THAT(Enrol(), IsOk());
  EXPECT_EQ(server_.seen().last_public_key, first_key);
}

TEST_F(IdentityTest, AnEnrolledFolderIsNotEnrolledAgain) {
  ASSERT_THAT(Enrol(), IsOk());
  EXPECT_THAT(Enrol(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(IdentityTest, RotationReplacesTheKeyOnDisk) {
  TM_ASSERT_OK_AND_ASSIGN(Identity identity, Enrol());
  const std::string old_key = server_.seen().last_public_key;
  DeviceSession session(server_.channel(), identity, clock_);
  ASSERT_THAT(session.RotateKey(), IsOk());
  const std::string new_key = server_.seen().last_public_key;
  EXPECT_NE(new_key, old_key);
  TM_ASSERT_OK_AND_ASSIGN(const Identity loaded, Identity::Load(folder_ / "device"));
  TM_ASSERT_OK_AND_ASSIGN(const VerifyKey verify, VerifyKey::FromP256Der(new_key));
  EXPECT_TRUE(verify.Verify("message", loaded.Sign("message")));
}

TEST_F(IdentityTest, ARotationWhoseAnswerWasLostIsFinishedByTheNextSession) {
  TM_ASSERT_OK_AND_ASSIGN(Identity identity, Enrol());
  DeviceSession session(server_.channel(), identity, clock_);
  server_.Fail("RotateKey", absl::UnavailableError("lost"));
  EXPECT_FALSE(session.RotateKey().ok());
  const std::string next_key = server_.seen().last_public_key;
  // The server took it: the old key opens no session any more.
  session.Invalidate();
  server_.Fail("OpenSession", rpc::Error(absl::StatusCode::kUnauthenticated,
                                         v1::ERROR_REASON_CREDENTIAL_INVALID, "old key"));
  ASSERT_THAT(session.Token(), IsOk());
  TM_ASSERT_OK_AND_ASSIGN(const VerifyKey verify, VerifyKey::FromP256Der(next_key));
  EXPECT_TRUE(verify.Verify("message", identity.Sign("message")));
  EXPECT_FALSE(fs::exists(folder_ / "device/key-next.pem"));
}

TEST_F(IdentityTest, ASessionIsReusedForHalfItsLife) {
  TM_ASSERT_OK_AND_ASSIGN(Identity identity, Enrol());
  DeviceSession session(server_.channel(), identity, clock_);
  TM_ASSERT_OK_AND_ASSIGN(const std::string first, session.Token());
  clock_.Advance(absl::Minutes(29));
  EXPECT_THAT(session.Token(), support::IsOkAndHolds(first));
  clock_.Advance(absl::Minutes(2));
  TM_ASSERT_OK_AND_ASSIGN(const std::string second, session.Token());
  EXPECT_NE(second, first);
}

}  // namespace
}  // namespace tidemark::ingest
