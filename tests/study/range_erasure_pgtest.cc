// Erasing a range, from the request to the destroyed key.
#include <fmt/format.h>

#include "base/base64.h"
#include "base/rpc/reason.h"
#include "study/audit_log.h"
#include "study/erasure_job.h"
#include "study/range_marks.h"
#include "tests/study/range_erasure_fixture.h"

namespace tidemark::study {
namespace {

using absl::StatusCode;
using store::kNsPerS;
using store::kStudyZeroNs;
using store::UnreadableReason;
using support::IsOk;
using support::StatusIs;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(RangeErasureTest, HidesAtOnceAndThenDestroys) {
  const StreamId stream = Record("motion");
  const Samples before = Read(stream);
  const std::string picture = Columns(Overview(stream, 60, 100, 40));
  const std::vector<StoredRow> backup = Backup();

  const v1::Erasure asked = Accept(Request(35, 55));
  EXPECT_EQ(asked.state(), v1::ERASURE_STATE_RUNNING);
  EXPECT_EQ(asked.chunks_destroyed(), 3u);
  ExpectErased3To5(stream);
  ExpectVerified(7, 3);
  EXPECT_THAT(FindKey(stream), IsOk());

  RunAll();
  const v1::Erasure done = Get(asked);
  EXPECT_EQ(done.state(), v1::ERASURE_STATE_DONE);
  EXPECT_EQ(done.problem(), "");
  EXPECT_EQ(done.chunks_destroyed(), 3u);
  EXPECT_EQ(done.chunks_kept(), 7u);
  EXPECT_TRUE(done.has_done_at());
  EXPECT_EQ(done.begin_ns(), kStudyZeroNs + 35 * kNsPerS);
  ExpectErased3To5(stream);
  ExpectVerified(7, 3);
  const Samples after = Read(stream);
  for (const auto& [number, bytes] : after.readable) EXPECT_EQ(bytes, before.readable.at(number));
  EXPECT_EQ(Columns(Overview(stream, 60, 100, 40)), picture);

  // Rows of a backup, with the keys as they are now.
  EXPECT_THAT(FindKey(stream), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(backup.size(), 3u);
  for (const StoredRow& row : backup) {
    EXPECT_THAT(OpenRow(row, "segment.payload", row.payload), StatusIs(StatusCode::kNotFound));
    EXPECT_THAT(OpenRow(row, "segment.tiles", row.tiles), StatusIs(StatusCode::kNotFound));
  }
  for (const StoredRow& row : Backup()) {
    EXPECT_THAT(OpenRow(row, "segment.payload", row.payload), IsOk());
    EXPECT_THAT(OpenRow(row, "segment.tiles", row.tiles), IsOk());
  }
}

TEST_F(RangeErasureTest, TakesWholeChunksToTheNanosecond) {
  const StreamId stream = Record("motion");
  const int64_t last_of_2_ns =
      store::RegularAt(20 * kNsPerS, kChunkSeconds * kRateHz, kRateHz).last_ns();
  v1::EraseRangeRequest request = Request(0, 40);
  request.set_begin_ns(kStudyZeroNs + last_of_2_ns + 1);
  Accept(request);
  EXPECT_EQ(Read(stream).erased, (Numbers{3}));  // 2 ends before, 4 begins with the end
  request = Request(0, 40);
  request.set_begin_ns(kStudyZeroNs + last_of_2_ns);
  request.set_end_ns(kStudyZeroNs + 40 * kNsPerS + 1);
  EXPECT_EQ(Accept(request).chunks_destroyed(), 2u);
  EXPECT_EQ(Read(stream).erased, (Numbers{2, 3, 4}));
  RunAll();
  EXPECT_EQ(Read(stream).erased, (Numbers{2, 3, 4}));
  ExpectVerified(7, 3);
}

TEST_F(RangeErasureTest, ErasesTheStreamsThatAreNamed) {
  const StreamId erased = Record("audio");
  const StreamId kept = Record("motion");
  const Samples before = Read(kept);
  const v1::Erasure asked = Accept(Request(35, 55, {erased}));
  EXPECT_THAT(asked.stream_ids(), ElementsAre(erased.ToString()));
  RunAll();
  EXPECT_EQ(Get(asked).state(), v1::ERASURE_STATE_DONE);
  ExpectErased3To5(erased);
  EXPECT_EQ(Read(kept), before);
  EXPECT_THAT(FindKey(kept), IsOk());
  EXPECT_THAT(FindKey(erased), StatusIs(StatusCode::kNotFound));
  // None named: all.
  EXPECT_EQ(Accept(Request(35, 55)).chunks_destroyed(), 3u);
  RunAll();
  ExpectErased3To5(kept);
  ExpectVerified(14, 6);
}

TEST_F(RangeErasureTest, CanBeKilledBetweenAnyTwoSteps) {
  int steps_of_whole_run = 0;
  for (int kill_after = 0;; ++kill_after) {
    const StreamId stream = Record(fmt::format("motion{}", kill_after));
    const Samples before = Read(stream);
    const v1::Erasure asked = Accept(Request(35, 55, {stream}));
    int steps = 0;
    ASSERT_THAT(Worker().RunOne([&] { return ++steps > kill_after; }), IsOk());
    const bool was_killed = Get(asked).state() != v1::ERASURE_STATE_DONE;
    ExpectErased3To5(stream);
    RunAll();
    EXPECT_EQ(Get(asked).state(), v1::ERASURE_STATE_DONE) << kill_after;
    EXPECT_EQ(Get(asked).chunks_kept(), 7u) << kill_after;
    ExpectErased3To5(stream);
    const Samples after = Read(stream);
    for (const auto& [number, bytes] : after.readable) EXPECT_EQ(bytes, before.readable.at(number));
    EXPECT_THAT(FindKey(stream), StatusIs(StatusCode::kNotFound));
    if (!was_killed) break;
    steps_of_whole_run = steps;
  }
  EXPECT_GE(steps_of_whole_run, 6);
}

// The key went and nobody noted it.
TEST_F(RangeErasureTest, GoesOnWhereTheKeyWasDestroyedAlready) {
  const StreamId stream = Record("motion");
  const v1::Erasure asked = Accept(Request(35, 55));
  RunAll();
  scene_.database().Execute(
      "update erased_key set destroyed_at = null; update job set state = 1;"
      "update erasure set done_at = null");
  RunAll();
  EXPECT_EQ(Get(asked).state(), v1::ERASURE_STATE_DONE);
  ExpectErased3To5(stream);
}

TEST_F(RangeErasureTest, AWorkerThatLostItsLeaseChangesNothing) {
  const StreamId stream = Record("motion");
  Accept(Request(35, 55));
  const auto slow =
      LeaseJob(pool_, JobKind::kRangeErasure, absl::ZeroDuration(), store::kNoDeadline);
  const auto quick = LeaseJob(pool_, JobKind::kRangeErasure, absl::Minutes(1), store::kNoDeadline);
  ASSERT_TRUE(slow.ok() && *slow && quick.ok() && *quick);
  const std::string rows =
      Value("select md5(string_agg(payload::text, '' order by segment_id)) from segment");
  EXPECT_THAT(Worker().Erase(**slow, &NeverStopping), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(Value("select md5(string_agg(payload::text, '' order by segment_id)) from segment"),
            rows);
  EXPECT_THAT(FindKey(stream), IsOk());
  const auto done = Worker().Erase(**quick, &NeverStopping);
  ASSERT_THAT(done, IsOk());
  EXPECT_FALSE(done->has_value());
  EXPECT_THAT(FindKey(stream), StatusIs(StatusCode::kNotFound));
}

TEST_F(RangeErasureTest, WaitsUntilNobodySealsWithTheKeysOfTheDay) {
  const StreamId stream = Record("motion");
  Add(stream, 10, 12, kDay - 1);
  SetClock(StartOfDay(kDay) + absl::Hours(20));
  const v1::Erasure asked = Accept(Request(35, 105));
  RunAll();
  // Yesterday's key went at once.
  EXPECT_THAT(FindKey(stream, kDay - 1), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(FindKey(stream), IsOk());
  const v1::Erasure waiting = Get(asked);
  EXPECT_EQ(waiting.state(), v1::ERASURE_STATE_RUNNING);
  EXPECT_THAT(waiting.problem(), HasSubstr("waits until 2024-10-05T01:00:00Z"));
  EXPECT_EQ(Value("select available_at > now() + interval '4 hours' from job"), "t");
  EXPECT_EQ(Readable(stream), (Numbers{0, 1, 2, 11}));
  // More comes in with today's key, in the range and beside it.
  Add(stream, 12, 14);
  LetWaitingJobsRun();
  RunAll();
  EXPECT_THAT(FindKey(stream), IsOk());
  SetClock(StartOfDay(kDay + 1) + absl::Minutes(59));
  LetWaitingJobsRun();
  RunAll();
  EXPECT_THAT(FindKey(stream), IsOk());
  SetClock(StartOfDay(kDay + 1) + absl::Minutes(60));
  LetWaitingJobsRun();
  RunAll();
  EXPECT_THAT(FindKey(stream), StatusIs(StatusCode::kNotFound));
  const v1::Erasure done = Get(asked);
  EXPECT_EQ(done.state(), v1::ERASURE_STATE_DONE);
  EXPECT_EQ(done.problem(), "");
  EXPECT_EQ(done.chunks_destroyed(), 8u);
  EXPECT_EQ(Readable(stream), (Numbers{0, 1, 2, 11, 12, 13}));
  ExpectVerified(6, 8);
}

// Others may still seal with a key of the day that it is in truth.
TEST_F(RangeErasureTest, AServerWhoseClockIsAheadWaitsForTheDatabase) {
  const int32_t today = static_cast<int32_t>((absl::Now() - absl::UnixEpoch()) / absl::Hours(24));
  const StreamId stream = Record("motion");
  Add(stream, 10, 12, today);
  SetClock(StartOfDay(today + 30));
  const v1::Erasure asked = Accept(Request(35, 105));
  RunAll();
  EXPECT_THAT(FindKey(stream), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(FindKey(stream, today), IsOk());
  EXPECT_EQ(Get(asked).state(), v1::ERASURE_STATE_RUNNING);
  EXPECT_EQ(Value("select available_at > now() from job"), "t") << "or it is leased at once again";
}

TEST_F(RangeErasureTest, TheSameRequestIsOneErasure) {
  Record("motion");
  const v1::EraseRangeRequest request = Request(35, 55);
  const v1::Erasure first = Accept(request);
  EXPECT_EQ(Accept(request).erasure_id(), first.erasure_id());
  EXPECT_EQ(Value("select count(*) from job"), "1");
  v1::EraseRangeRequest other = request;
  other.set_end_ns(other.end_ns() + 1);
  EXPECT_THAT(erasures_.EraseRange(ManagerCall(), other), StatusIs(StatusCode::kAlreadyExists));
}

TEST_F(RangeErasureTest, ARangeWithoutChunksIsDoneAtOnce) {
  const StreamId stream = Record("motion");
  const v1::Erasure asked = Accept(Request(1'000, 2'000));
  EXPECT_EQ(asked.chunks_destroyed(), 0u);
  RunAll();
  EXPECT_EQ(Get(asked).state(), v1::ERASURE_STATE_DONE);
  EXPECT_EQ(Get(asked).chunks_kept(), 0u);
  EXPECT_THAT(FindKey(stream), IsOk());
  ExpectVerified(10, 0);
}

TEST_F(RangeErasureTest, RefusesWhatItCannotMean) {
  const StreamId stream = Record("motion");
  const auto refused = [&](const v1::EraseRangeRequest& request) {
    return erasures_.EraseRange(ManagerCall(), request).status();
  };
  EXPECT_THAT(refused(Request(55, 55)), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(refused(Request(0, 1, {StreamId::MakeV7()})), StatusIs(StatusCode::kNotFound));
  v1::EraseRangeRequest request = Request(35, 55);
  request.clear_reason();
  EXPECT_THAT(refused(request), StatusIs(StatusCode::kInvalidArgument));
  request = Request(35, 55);
  request.add_stream_ids("motion");
  EXPECT_THAT(refused(request), StatusIs(StatusCode::kInvalidArgument));
  request = Request(35, 55, std::vector<StreamId>(65, stream));
  EXPECT_THAT(refused(request), StatusIs(StatusCode::kInvalidArgument));
  v1::StreamDeclaration records;
  records.set_modality(v1::MODALITY_RECORDS);
  const StreamId clocks = scene_.Declare(person_, "clocks", records);
  EXPECT_THAT(refused(Request(35, 55, {clocks})), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_EQ(Readable(stream).size(), 10u);
}

// Chunks that no clock pair reaches, and bodies that were set aside, stay and are counted.
TEST_F(RangeErasureTest, SaysWhatItDoesNotReach) {
  const StreamId stream = Record("motion");
  const BootId other_boot = BootId::MakeRandom();
  AddOne(stream, 20, 40, other_boot);
  scene_.database().Execute(
      fmt::format("insert into quarantine values ('{0}', '{1}', '{2}', '{1}', '{3}', '{1}', 0, "
                  "'\\x00', 1, 1, '',"
                  " 1, '\\x0102', now(), null)",
                  person_.participant_id.ToString(), Uuid::MakeRandom().ToString(),
                  person_.study_id.ToString(), stream.ToString()));
  const v1::Erasure asked = Accept(Request(35, 55));
  ASSERT_EQ(asked.tables_size(), 3);
  EXPECT_EQ(asked.tables(0).rows_left(), 3u);
  EXPECT_EQ(asked.tables(1).table(), "chunk");
  EXPECT_EQ(asked.tables(1).rows_left(), 1u);
  EXPECT_THAT(asked.tables(1).why_kept(), HasSubstr("clock pair"));
  EXPECT_EQ(asked.tables(2).table(), "quarantine");
  EXPECT_EQ(asked.tables(2).rows_left(), 1u);
  RunAll();
  EXPECT_EQ(Get(asked).state(), v1::ERASURE_STATE_DONE);
  EXPECT_EQ(Readable(stream), (Numbers{0, 1, 2, 6, 7, 8, 9})) << "20 may be of the range";
  scene_.AddClockPair(person_, other_boot, 0, kStudyZeroNs + 1'000 * kNsPerS);
  EXPECT_EQ(Readable(stream), (Numbers{0, 1, 2, 6, 7, 8, 9, 20}));
}

TEST_F(RangeErasureTest, ASecondRangeMayTouchTheFirst) {
  const StreamId stream = Record("motion");
  const v1::Erasure first = Accept(Request(35, 55));
  RunAll();
  const v1::Erasure second = Accept(Request(45, 75));
  EXPECT_EQ(second.chunks_destroyed(), 2u);
  clock_.Advance(absl::Hours(48));
  RunAll();
  EXPECT_EQ(Get(second).state(), v1::ERASURE_STATE_DONE);
  EXPECT_EQ(Readable(stream), (Numbers{0, 1, 2, 8, 9}));
  ExpectVerified(5, 5);
}

// An erasure is done only when all of its range is destroyed, whoever marked it.
TEST_F(RangeErasureTest, ASecondRangeWaitsForTheKeysOfTheFirst) {
  Record("motion");
  SetClock(StartOfDay(kDay) + absl::Hours(12));
  const v1::Erasure first = Accept(Request(35, 55));
  const v1::Erasure second = Accept(Request(35, 55));
  EXPECT_EQ(second.chunks_destroyed(), 0u);
  RunAll();
  EXPECT_EQ(Get(second).state(), v1::ERASURE_STATE_RUNNING);
  clock_.Advance(absl::Hours(24));
  LetWaitingJobsRun();
  RunAll();
  EXPECT_EQ(Get(first).state(), v1::ERASURE_STATE_DONE);
  EXPECT_EQ(Get(second).state(), v1::ERASURE_STATE_DONE);
}

TEST_F(RangeErasureTest, AKeyStaysWhileSomethingThatIsKeptCannotBeRead) {
  const StreamId stream = Record("motion");
  Add(stream, 10, 12, kDay + 1);
  scene_.database().Execute(
      "update segment set payload = set_byte(payload, 40, get_byte(payload, 40) # 1) where "
      "segment_id = (select segment_id from chunk where number = 6)");
  const v1::Erasure asked = Accept(Request(95, 105));  // chunks 9 and 10
  ASSERT_THAT(Worker().RunOne(&NeverStopping), IsOk());
  const v1::Erasure stuck = Get(asked);
  EXPECT_EQ(stuck.state(), v1::ERASURE_STATE_STUCK);
  EXPECT_THAT(stuck.problem(), HasSubstr("1 segments hold something that is to be kept"));
  EXPECT_THAT(FindKey(stream), IsOk());
  EXPECT_THAT(FindKey(stream, kDay + 1), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(Readable(stream), (Numbers{0, 1, 2, 3, 8, 11}));
  EXPECT_EQ(Read(stream).damaged, (Numbers{4, 5, 6, 7}));
  // Nothing of the damaged segment is to be kept any more.
  const v1::Erasure rest = Accept(Request(40, 80));
  LetWaitingJobsRun();
  RunAll();
  EXPECT_EQ(Get(asked).state(), v1::ERASURE_STATE_DONE);
  EXPECT_EQ(Get(rest).state(), v1::ERASURE_STATE_DONE);
  EXPECT_THAT(FindKey(stream), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(Readable(stream), (Numbers{0, 1, 2, 3, 8, 11}));
}

// Bodies that were set aside before ADR 0012 have the key of their stream.
TEST_F(RangeErasureTest, HeldBodiesUnderTheSameKeyGetAnotherOne) {
  const StreamId stream = Record("motion");
  std::vector<QuarantineId> ids;
  for (const StreamId under : {stream, StreamId{}, stream, stream, stream, stream}) {
    const QuarantineId id = QuarantineId::MakeV7();
    const auto key = scene_.keys().KeyForWriting(person_.participant_id, under, kDay);
    ASSERT_THAT(key, IsOk());
    const std::string sealed =
        store::SealEnvelope(*key, {"quarantine.body", person_.participant_id, id.AsBytes()},
                            store::EnvelopeCodec::kZstd, "set aside");
    scene_.database().Execute(fmt::format(
        "insert into quarantine values ('{0}', '{1}', '{2}', '{1}', '{3}', '{1}', 0, '\\x00', 1, 1,"
        " '', 1, '\\x{4}', now(), null)",
        person_.participant_id.ToString(), id.ToString(), person_.study_id.ToString(),
        stream.ToString(), HexEncode(sealed)));
    ids.push_back(id);
  }
  Accept(Request(35, 55));
  RunAll();
  EXPECT_THAT(FindKey(stream), StatusIs(StatusCode::kNotFound));
  pqxx::connection connection(scene_.database().SuperuserDsn());
  pqxx::nontransaction tx(connection);
  for (const QuarantineId id : ids) {
    const pqxx::result row =
        tx.exec("select body from quarantine where quarantine_id = '" + id.ToString() + "'");
    const auto opened = store::OpenEnvelope(
        scene_.keys(), {"quarantine.body", person_.participant_id, id.AsBytes()}, StreamId{},
        db::BytesOf(row[0][0]));
    ASSERT_THAT(opened, IsOk());
    EXPECT_EQ(opened->plain, "set aside");
    EXPECT_EQ(opened->codec, store::EnvelopeCodec::kZstd);
  }
}

TEST_F(RangeErasureTest, TheWholeParticipantCanBeErasedMeanwhile) {
  Record("motion");
  SetClock(StartOfDay(kDay) + absl::Hours(12));
  const v1::Erasure range = Accept(Request(35, 55));
  RunAll();
  v1::EraseParticipantRequest all;
  all.set_request_id(Uuid::MakeRandom().ToString());
  all.set_confirm_code("P1");
  all.set_reason("asked by letter");
  const auto asked = erasures_.EraseParticipant(ManagerCall(), all);
  ASSERT_THAT(asked, IsOk());
  EXPECT_THAT(erasures_.EraseRange(ManagerCall(), Request(0, 10)),
              StatusIs(StatusCode::kFailedPrecondition));
  ASSERT_THAT(ErasureJob(context_, WithoutPause()).RunOne(&NeverStopping), IsOk());
  EXPECT_EQ(Get(asked->erasure()).state(), v1::ERASURE_STATE_DONE);
  EXPECT_EQ(Value("select count(*) from erased_key"), "0");
  LetWaitingJobsRun();
  RunAll();
  const v1::Erasure done = Get(range);
  EXPECT_EQ(done.state(), v1::ERASURE_STATE_DONE);
  EXPECT_THAT(done.touched(), ElementsAre(HasSubstr("whole participant")));
}

TEST_F(RangeErasureTest, TheEvidenceSaysWhatWasDestroyed) {
  const StreamId stream = Record("motion");
  Accept(Request(35, 55, {stream}));
  RunAll();
  Call call = ManagerCall();
  call.participant_id = {};
  call.scope = db::AccessScope::Study(person_.study_id);
  const auto chain = AuditLog(context_).List(call, {});
  ASSERT_THAT(chain, IsOk());
  ASSERT_EQ(chain->links_size(), 2);
  EXPECT_THAT(chain->links(0).body(), HasSubstr("erasure.range"));
  EXPECT_THAT(chain->links(0).body(), HasSubstr(stream.ToString()));
  EXPECT_THAT(chain->links(1).body(), HasSubstr(R"("chunks_destroyed":"3")"));
  EXPECT_THAT(chain->links(1).body(), HasSubstr(R"("keys_destroyed":"1")"));
}

// What one transaction marks is bounded over all streams together; nothing is marked of a range
// that is larger.
TEST_F(RangeErasureTest, ARangeWithTooManyChunksIsRefused) {
  Record("audio");
  Record("motion");
  RangeToErase range{.erasure_id = Uuid::MakeRandom(),
                     .participant_id = person_.participant_id,
                     .study_id = person_.study_id,
                     .stream_ids = {},
                     .study = {kStudyZeroNs, kStudyZeroNs + 55 * kNsPerS},
                     .chunks_max = 11};
  const auto mark = [&] {
    return db::Transact(
        pool_, "MarkRange", ManagerCall().scope, ManagerCall().deadline, [&](db::Transaction& tx) {
          return MarkRange(tx, {&readers_, &scene_.placements()}, range, ManagerCall().deadline);
        });
  };
  EXPECT_THAT(mark(), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_EQ(Value("select count(*) from chunk where flags & 4 <> 0"), "0");
  EXPECT_EQ(Value("select count(*) from erased_key"), "0");
  range.chunks_max = 12;
  const auto marked = mark();
  ASSERT_THAT(marked, IsOk());
  EXPECT_EQ(marked->chunks, 12);
  EXPECT_EQ(Value("select count(*) from erased_key"), "2");
}

}  // namespace
}  // namespace tidemark::study
