#include <gmock/gmock.h>

#include "study/installation.h"
#include "study/restore_marks.h"
#include "study/sql.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using store::RestoreMark;
using support::IsOk;
using support::IsOkAndHolds;
using support::StatusIs;

// On a database of its own: a heartbeat is one of the whole installation.
class RestoreMarksTest : public StudyFixture {
 protected:
  RestoreMarksTest() { context_.pool = &own_pool_; }

  absl::StatusOr<RestoreMark> BeatOnce() { return Beat(own_pool_, *keys_, Deadline()); }
  void SetDatabase(const std::string& assignments) {
    database_.Execute("update restore_mark set " + assignments);
  }
  absl::StatusOr<v1::ConfirmRestoredResponse> Confirm(bool force = false) {
    v1::ConfirmRestoredRequest request;
    request.set_request_id(NewRequestId());
    request.set_force(force);
    return Installation(context_).ConfirmRestored(OperatorCall(), request);
  }

  const support::TestDatabase database_;
  db::Pool own_pool_{
      {.dsn = database_.Dsn("tm_app"), .connections_max = 4, .statements = {sql::kAllStatements}}};
};

TEST_F(RestoreMarksTest, TheHeartbeatGrowsInBoth) {
  EXPECT_THAT(BeatOnce(), IsOkAndHolds(RestoreMark{0, 1}));
  EXPECT_THAT(BeatOnce(), IsOkAndHolds(RestoreMark{0, 2}));
  EXPECT_THAT(keys_->ReadRestoreMark(), IsOkAndHolds(RestoreMark{0, 2}));
  EXPECT_EQ(database_.QueryValue("select heartbeat from restore_mark"), "2");
}

TEST_F(RestoreMarksTest, ADatabaseThatIsBehindIsNotBroughtUpSilently) {
  for (int i = 0; i < 3; ++i) ASSERT_THAT(BeatOnce(), IsOk());
  SetDatabase("heartbeat = 2");
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(BeatOnce(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                     testing::HasSubstr("tidemark admin restored")));
  }
  EXPECT_EQ(database_.QueryValue("select heartbeat from restore_mark"), "2");
}

// A server that died between the two steps, and a restore that another one just confirmed.
TEST_F(RestoreMarksTest, AKeyStoreThatIsBehindIsBroughtUp) {
  SetDatabase("heartbeat = 9");
  EXPECT_THAT(BeatOnce(), IsOkAndHolds(RestoreMark{0, 10}));
  SetDatabase("generation = 4, heartbeat = 1");
  EXPECT_THAT(BeatOnce(), IsOkAndHolds(RestoreMark{4, 2}));
  EXPECT_THAT(keys_->ReadRestoreMark(), IsOkAndHolds(RestoreMark{4, 10}));
}

TEST_F(RestoreMarksTest, ConfirmingRaisesTheGenerationAndBringsTheHeartbeatsTogether) {
  for (int i = 0; i < 3; ++i) ASSERT_THAT(BeatOnce(), IsOk());
  SetDatabase("heartbeat = 1");
  TM_ASSERT_OK_AND_ASSIGN(const auto confirmed, Confirm());
  EXPECT_EQ(confirmed.restore_generation(), 1u);
  EXPECT_THAT(BeatOnce(), IsOkAndHolds(RestoreMark{1, 5}));
  EXPECT_THAT(keys_->ReadRestoreMark(), IsOkAndHolds(RestoreMark{1, 5}));
  // The same backup once more.
  SetDatabase("generation = 0, heartbeat = 1");
  EXPECT_THAT(BeatOnce(), StatusIs(absl::StatusCode::kFailedPrecondition));
  TM_ASSERT_OK_AND_ASSIGN(const auto again, Confirm());
  EXPECT_EQ(again.restore_generation(), 2u);
  EXPECT_THAT(BeatOnce(), IsOk());
}

TEST_F(RestoreMarksTest, WithoutASignOfARestoreItMustBeForced) {
  ASSERT_THAT(BeatOnce(), IsOk());
  EXPECT_THAT(Confirm(), StatusIs(absl::StatusCode::kFailedPrecondition));
  TM_ASSERT_OK_AND_ASSIGN(const auto forced, Confirm(/*force=*/true));
  EXPECT_EQ(forced.restore_generation(), 1u);
}

TEST_F(RestoreMarksTest, WhatOperatorsDoStandsInTheEvidenceOfEveryStudyAndOfTheInstallation) {
  const auto links = [&] {
    return database_.QueryValue("select count(*) from audit where subject = study_id");
  };
  for (int i = 0; i < 2; ++i) MakeStudy();
  const int before = std::stoi(links());
  v1::RotateKeyEncryptionKeyRequest request;
  request.set_request_id(NewRequestId());
  const Installation installation(context_);
  TM_ASSERT_OK_AND_ASSIGN(const auto rotated,
                          installation.RotateKeyEncryptionKey(OperatorCall(), request));
  EXPECT_GE(rotated.keys_rewrapped(), 3u);
  EXPECT_EQ(std::stoi(links()), before + 3);
  // The same request is not a second rotation.
  TM_ASSERT_OK_AND_ASSIGN(const auto again,
                          installation.RotateKeyEncryptionKey(OperatorCall(), request));
  EXPECT_EQ(again.keys_rewrapped(), rotated.keys_rewrapped());
  EXPECT_EQ(std::stoi(links()), before + 3);
}

}  // namespace
}  // namespace tidemark::study
