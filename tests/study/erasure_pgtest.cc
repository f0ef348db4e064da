// Erasing a participant, from the request to the verification.
#include <fmt/format.h>

#include <map>

#include "study/audit_log.h"
#include "study/erasure_job.h"
#include "study/erasures.h"
#include "study/participants.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;

class ErasureTest : public StudyFixture {
 protected:
  absl::StatusOr<v1::EraseParticipantResponse> Request(const Enrolled& who,
                                                       const std::string& code = "p1") {
    v1::EraseParticipantRequest request;
    request.set_request_id(NewRequestId());
    request.set_confirm_code(code);
    request.set_reason("asked by letter");
    return erasures_.EraseParticipant(ManagerCall(who.study, who.participant), request);
  }
  v1::Erasure Get(const Enrolled& who, const std::string& id) {
    v1::GetErasureRequest request;
    request.set_erasure_id(id);
    const auto found = erasures_.Get(ManagerCall(who.study), request);
    EXPECT_THAT(found, IsOk());
    return found->erasure();
  }
  ErasureJob Worker(const PaceLimits& pace = {}) {
    return {context_,
            {.pace = pace, .wait = [this](absl::Duration pause) { pauses_.push_back(pause); }}};
  }
  static bool Never() { return false; }

  // Rows as chunks leave them, without their payload.
  void AddChunks(const Enrolled& who, int count) {
    pqxx::connection connection(support::TestDatabase::Shared().SuperuserDsn());
    pqxx::work tx(connection);
    tx.exec(fmt::format(
        "insert into chunk (participant_id, stream_id, writer_id, number, study_id, device_id, "
        "sha256, stream_version, kind, boot_id, clock_id, first_counter, sample_count, body_bytes, "
        "flags, outlier_stamps, t_min_ns, t_max_ns, segment_id, segment_slot, arrived_at) "
        "select '{0}', '{1}', '{1}', n, '{2}', '{3}', '\\x00', 1, 1, '{1}', 0, 0, 1, 1, 0, 0, 0, "
        "0, "
        "'{1}', 0, now() from generate_series(0, {4}) n",
        who.participant.ToString(), Uuid::MakeRandom().ToString(), who.study.ToString(),
        who.device.ToString(), count - 1));
    tx.commit();
  }
  int64_t CountRows(const std::string& table, const Enrolled& who) {
    pqxx::connection connection(support::TestDatabase::Shared().SuperuserDsn());
    pqxx::nontransaction tx(connection);
    return tx
        .exec("select count(*) from " + table + " where participant_id = '" +
              who.participant.ToString() + "'")[0][0]
        .as<int64_t>();
  }

  std::vector<absl::Duration> pauses_;
  // None of these erases a range.
  const Erasures erasures_{context_, {}};
};

TEST_F(ErasureTest, LeavesNothingButWhatItsRecordNames) {
  const Enrolled who = MakeEnrolled();
  const Enrolled other = MakeEnrolled();
  AddChunks(who, 5'000);
  AddChunks(other, 10);
  const auto asked = Request(who);
  ASSERT_THAT(asked, IsOk());
  EXPECT_EQ(asked->erasure().state(), v1::ERASURE_STATE_RUNNING);
  const auto ran = Worker().RunOne(Never);
  ASSERT_THAT(ran, IsOk());
  EXPECT_TRUE(*ran);
  const v1::Erasure done = Get(who, asked->erasure().erasure_id());
  EXPECT_EQ(done.state(), v1::ERASURE_STATE_DONE);
  std::map<std::string, uint64_t> deleted;
  for (const v1::ErasedTable& table : done.tables()) {
    EXPECT_EQ(table.rows_left() > 0, !table.why_kept().empty()) << table.table();
    deleted[table.table()] = table.rows_deleted();
  }
  EXPECT_EQ(deleted["chunk"], 5'000u);
  EXPECT_EQ(deleted["device"], 1u);
  EXPECT_EQ(CountRows("chunk", who), 0);
  EXPECT_EQ(CountRows("participant", who), 0);
  EXPECT_EQ(CountRows("participant_directory", who), 0);
  EXPECT_EQ(CountRows("chunk", other), 10);
  EXPECT_EQ(CountRows("participant", other), 1);
  EXPECT_THAT(keys_->KeyForWriting(who.participant, StreamId{}, 0).status(),
              support::StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(ErasureTest, ASlipInTheCodeErasesNothing) {
  const Enrolled who = MakeEnrolled();
  EXPECT_EQ(rpc::ReasonOf(Request(who, "p2").status()), v1::ERROR_REASON_STATE_CONFLICT);
  EXPECT_FALSE(*Worker().RunOne(Never));
  EXPECT_EQ(CountRows("participant", who), 1);
}

// The code is free again, and who gets it is somebody else.
TEST_F(ErasureTest, TheCodeCanBeGivenAgain) {
  const Enrolled who = MakeEnrolled();
  ASSERT_THAT(Request(who), IsOk());
  ASSERT_THAT(Worker().RunOne(Never), IsOk());
  EXPECT_NE(MakeParticipant(who.study, "p1"), who.participant);
}

// It can open a session, where it is told to delete its copies.
TEST_F(ErasureTest, TheDeviceCanStillProveItself) {
  const Enrolled who = MakeEnrolled();
  ASSERT_THAT(Request(who), IsOk());
  ASSERT_THAT(Worker().RunOne(Never), IsOk());
  EXPECT_THAT(OpenSession(who.device, who.key), IsOk());
}

// A worker that stops anywhere leaves the rest to the next one.
TEST_F(ErasureTest, IsTakenUpWhereAWorkerDied) {
  const Enrolled who = MakeEnrolled();
  AddChunks(who, 3'000);
  const auto asked = Request(who);
  ASSERT_THAT(asked, IsOk());
  int steps = 0;
  const ErasureJob worker = Worker({.rows_first = 1'000, .rows_min = 1'000, .rows_max = 1'000});
  ASSERT_THAT(worker.RunOne([&] { return ++steps > 2; }), IsOk());
  EXPECT_GT(CountRows("chunk", who), 0);
  EXPECT_LT(CountRows("chunk", who), 3'000);
  ASSERT_THAT(worker.RunOne(Never), IsOk());
  EXPECT_EQ(Get(who, asked->erasure().erasure_id()).state(), v1::ERASURE_STATE_DONE);
  EXPECT_EQ(CountRows("chunk", who), 0);
}

// Others get their turn after every step, and the lease lives on.
TEST_F(ErasureTest, PausesBetweenSmallSteps) {
  const Enrolled who = MakeEnrolled();
  AddChunks(who, 1'000);
  ASSERT_THAT(Request(who), IsOk());
  context_.clock = &Clock::Real();  // steps take time
  const ErasureJob worker = Worker({.step_goal = absl::ZeroDuration(), .rows_min = 50});
  ASSERT_THAT(worker.RunOne(Never), IsOk());
  EXPECT_GE(pauses_.size(), 1'000u / 128);
  EXPECT_GT(pauses_.front(), absl::ZeroDuration());
  EXPECT_EQ(CountRows("chunk", who), 0);
}

// The first worker slept through its lease: what it does then counts for nothing.
TEST_F(ErasureTest, AWorkerThatLostItsLeaseChangesNothing) {
  const Enrolled who = MakeEnrolled();
  AddChunks(who, 10);
  ASSERT_THAT(Request(who), IsOk());
  const auto slow = LeaseJob(pool_, JobKind::kErasure, absl::ZeroDuration(), Deadline());
  ASSERT_THAT(slow, IsOk());
  ASSERT_TRUE(slow->has_value());
  const auto quick = LeaseJob(pool_, JobKind::kErasure, absl::Minutes(1), Deadline());
  ASSERT_THAT(quick, IsOk());
  ASSERT_TRUE(quick->has_value());
  EXPECT_GT((*quick)->fence, (*slow)->fence);
  EXPECT_EQ(Worker().Erase(**slow, Never).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(CountRows("chunk", who), 10);
  EXPECT_THAT(Worker().Erase(**quick, Never), IsOk());
  EXPECT_EQ(CountRows("chunk", who), 0);
}

TEST_F(ErasureTest, TheEvidenceStaysAndItsBodiesAreUnreadable) {
  const Enrolled who = MakeEnrolled();
  ASSERT_THAT(Request(who), IsOk());
  ASSERT_THAT(Worker().RunOne(Never), IsOk());
  const AuditLog log(context_);
  v1::ListAuditRequest about_participant;
  about_participant.set_participant_id(who.participant.ToString());
  const auto chain = log.List(ManagerCall(who.study), about_participant);
  ASSERT_THAT(chain, IsOk());
  ASSERT_GE(chain->links_size(), 3);
  for (const v1::AuditLink& link : chain->links()) {
    EXPECT_TRUE(link.erased());
    EXPECT_TRUE(link.body().empty());
  }
  const auto study_chain = log.List(ManagerCall(who.study), {});
  ASSERT_THAT(study_chain, IsOk());
  EXPECT_NE(study_chain->links().rbegin()->body().find("erasure.done"), std::string::npos);
}

}  // namespace
}  // namespace tidemark::study
