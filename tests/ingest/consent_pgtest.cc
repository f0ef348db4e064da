// Consent at admission, through to the database.
#include <thread>

#include "ingest/chunk_inserts.h"
#include "tests/ingest/admission_scene.h"
#include "tests/ingest/ingest_fixture.h"

namespace tidemark::ingest {
namespace {

using support::IsOk;
using ::testing::Optional;

constexpr auto kNone = v1::RECEIPT_REASON_UNSPECIFIED;
constexpr auto kNoConsentReason = v1::RECEIPT_REASON_NO_CONSENT;
constexpr auto kUndecided = v1::RECEIPT_REASON_CONSENT_UNDECIDED;
constexpr v1::DataKind kStreamKind = v1::DATA_KIND_OTHER;  // of the fixture's streams
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kHour = 3'600 * kSecond;

class IngestConsentTest : public IngestFixture {
 protected:
  IngestConsentTest() : sender_(AddDeviceWithoutConsent(1)) { AddStream(sender_, kSampled); }

  void Decide(bool granted, int64_t from_ns) {
    RecordConsent(sender_, kStreamKind, granted, from_ns);
  }
  // A clock pair of the boot of SamplesBody: its time zero stands at this instant.
  void PlaceBoot(int64_t study_of_zero_ns) {
    v1::ChunkBody body = SamplesBody(kRecords, records_++);
    body.clear_samples();
    v1::BootStart& start = *body.mutable_records()->add_records()->mutable_boot_start();
    start.set_wall_ns(study_of_zero_ns);
    EXPECT_THAT(SendOne(sender_, body), Says(v1::OUTCOME_STORED, kNone));
  }
  // Of seconds of the boot that stands 100 hours ago, of every stream.
  void EraseSeconds(int64_t begin_s, int64_t end_s) {
    const int64_t zero_ns = now_ns_ - 100 * kHour;
    database_.Execute(fmt::format(
        "insert into erased_range values ('{}', '{}', '{}', '{}', {}, {})",
        sender_.participant_id.ToString(), Uuid::MakeRandom().ToString(), StreamId{}.ToString(),
        sender_.study_id.ToString(), zero_ns + begin_s * kSecond, zero_ns + end_s * kSecond));
  }
  v1::ReceiptStatement SendNumber(uint64_t number) {
    return SendOne(sender_, SamplesBody(kSampled, number));
  }
  std::string States() const {
    return Query(
        "select stored || ' ' || quarantined || ' ' || abandoned || ' ' || refused || ' ' || "
        "revision || ' ' || duplicate_chunks from stream_state where stream_id = '" +
        StreamId{UuidOf(4, kSampled)}.ToString() + "'");
  }

  const Sender sender_;
  const int64_t now_ns_ = Clock::Real().NowNs();
  uint64_t records_ = 0;
};

TEST_F(IngestConsentTest, WhatNobodyDecidedLeavesNoTraceAndIsTakenLater) {
  Start();
  const v1::ReceiptStatement waits = SendNumber(0);
  EXPECT_THAT(waits, Says(v1::OUTCOME_REFUSED, kUndecided));
  EXPECT_EQ(waits.device_action(), v1::DEVICE_ACTION_RETRY_AFTER);
  EXPECT_EQ(waits.retry_after_ms(), kConsentUndecidedRetryMs);
  EXPECT_EQ(Query("select count(*) from stream_state"), "0");
  Decide(true, 0);
  EXPECT_THAT(SendNumber(0), Says(v1::OUTCOME_STORED, kNone));
}

TEST_F(IngestConsentTest, ARefusedNumberIsSettledOnceItIsCommitted) {
  Start();
  Decide(false, 0);
  const v1::ReceiptStatement refused = SendNumber(0);
  EXPECT_THAT(refused, Says(v1::OUTCOME_REFUSED, kNoConsentReason));
  EXPECT_EQ(refused.device_action(), v1::DEVICE_ACTION_STOP_AND_DELETE);
  EXPECT_EQ(refused.durability(), v1::DURABILITY_UNSPECIFIED);
  EXPECT_EQ(States(), "{} {} {} {[0,1)} 1 0");
  EXPECT_THAT(SendNumber(0), Says(v1::OUTCOME_REFUSED, kNoConsentReason)) << "the receipt was lost";
  EXPECT_THAT(SendNumber(1), Says(v1::OUTCOME_REFUSED, kNoConsentReason));
  EXPECT_EQ(States(), "{} {} {} {[0,2)} 2 1");
  EXPECT_EQ(Query("select count(*) from chunk") + Query("select count(*) from segment") +
                Query("select count(*) from quarantine"),
            "000");
}

// By the first clock pair of its boot, which came before.
TEST_F(IngestConsentTest, ABacklogFromWhileConsentHeldIsStoredAfterAWithdrawal) {
  AddStream(sender_, kRecords, v1::MODALITY_RECORDS);
  Start();
  PlaceBoot(now_ns_ - 100 * kHour);  // stamps are seconds of this boot: number n at second n
  const int64_t begin_ns = now_ns_ - 100 * kHour;
  Decide(true, begin_ns + 10 * kSecond);
  Decide(false, begin_ns + 20 * kSecond);
  EXPECT_THAT(SendNumber(15), Says(v1::OUTCOME_STORED, kNone));
  EXPECT_THAT(SendNumber(9), Says(v1::OUTCOME_REFUSED, kNoConsentReason));
  EXPECT_THAT(SendNumber(20), Says(v1::OUTCOME_REFUSED, kNoConsentReason));
  EXPECT_EQ(States(), "{[15,16)} {} {} {[9,10),[20,21)} 3 0");
}

// One message with all of them: what one chunk is answered does not depend on the others.
TEST_F(IngestConsentTest, ChunksOfOneMessageAreJudgedEachOnItsOwn) {
  AddStream(sender_, kRecords, v1::MODALITY_RECORDS);
  Start();
  PlaceBoot(now_ns_ - 100 * kHour);
  Decide(true, now_ns_ - 100 * kHour + 2 * kSecond);
  v1::ChunkBody bad = SamplesBody(kSampled, 4);
  bad.mutable_samples()->set_count(3);
  const auto answers = Send(sender_, {SamplesBody(kSampled, 0), SamplesBody(kSampled, 2), bad,
                                      SamplesBody(kSampled, 1), SamplesBody(kSampled, 3)});
  ASSERT_EQ(answers.size(), 5u);
  EXPECT_THAT(answers[0], Says(v1::OUTCOME_REFUSED, kNoConsentReason));
  EXPECT_THAT(answers[1], Says(v1::OUTCOME_STORED, kNone));
  EXPECT_THAT(answers[2], Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_PAYLOAD_SIZE));
  EXPECT_THAT(answers[3], Says(v1::OUTCOME_REFUSED, kNoConsentReason));
  EXPECT_THAT(answers[4], Says(v1::OUTCOME_STORED, kNone));
  EXPECT_EQ(Query("select stored || ' ' || quarantined || ' ' || refused from stream_state "
                  "where stored_chunks = 2"),
            "{[2,4)} {[4,5)} {[0,2)}");
}

// A clock that is wrong by two years, ahead: what it stamped is judged as if nobody knew when.
TEST_F(IngestConsentTest, AClockTwoYearsAheadDestroysNothing) {
  AddStream(sender_, kRecords, v1::MODALITY_RECORDS);
  Start();
  PlaceBoot(now_ns_ + 2 * 365 * 24 * kHour);
  Decide(true, now_ns_ - kHour);
  EXPECT_THAT(SendNumber(0), Says(v1::OUTCOME_STORED, kNone));
}

// The clock pair comes last, as when an outbox is emptied in the order of its streams.
TEST_F(IngestConsentTest, WhatArrivesBeforeItsClockPairIsTakenAndJudgedOnceItIsThere) {
  AddStream(sender_, kRecords, v1::MODALITY_RECORDS);
  Start();
  Decide(true, now_ns_ - kHour);
  EXPECT_THAT(SendNumber(0), Says(v1::OUTCOME_STORED, kNone));
  PlaceBoot(now_ns_ - 100 * kHour);
  EXPECT_THAT(SendNumber(1), Says(v1::OUTCOME_REFUSED, kNoConsentReason))
      << "that there was no place was not remembered";
}

// The clock pair of an old boot comes after the withdrawal, and the chunk before it.
TEST_F(IngestConsentTest, AfterAWithdrawalWhatHasNoPlaceWaitsForOne) {
  AddStream(sender_, kRecords, v1::MODALITY_RECORDS);
  Start();
  Decide(true, now_ns_ - 200 * kHour);
  EXPECT_THAT(SendNumber(0), Says(v1::OUTCOME_STORED, kNone));
  Decide(false, now_ns_ - 50 * kHour);
  const v1::ReceiptStatement waits = SendNumber(1);
  EXPECT_THAT(waits, Says(v1::OUTCOME_REFUSED, kUndecided));
  EXPECT_EQ(waits.device_action(), v1::DEVICE_ACTION_RETRY_AFTER);
  EXPECT_EQ(waits.retry_after_ms(), kNoPlaceYetRetryMs);
  EXPECT_EQ(States(), "{[0,1)} {} {} {} 1 0") << "nothing is settled";
  PlaceBoot(now_ns_ - 100 * kHour);
  EXPECT_THAT(SendNumber(1), Says(v1::OUTCOME_STORED, kNone));
}

// Erased ranges
// ------------------------------------------------------------------------------------

TEST_F(IngestConsentTest, WhatComesLateOfAnErasedRangeIsRefusedAndCounted) {
  AddStream(sender_, kRecords, v1::MODALITY_RECORDS);
  Start();
  Decide(true, std::numeric_limits<int64_t>::min());
  PlaceBoot(now_ns_ - 100 * kHour);
  EraseSeconds(10, 20);
  EXPECT_THAT(SendNumber(9), Says(v1::OUTCOME_STORED, kNone));
  const v1::ReceiptStatement refused = SendNumber(10);
  EXPECT_THAT(refused, Says(v1::OUTCOME_REFUSED, kNoConsentReason));
  EXPECT_EQ(refused.device_action(), v1::DEVICE_ACTION_STOP_AND_DELETE);
  EXPECT_THAT(SendNumber(19), Says(v1::OUTCOME_REFUSED, kNoConsentReason));
  EXPECT_THAT(SendNumber(20), Says(v1::OUTCOME_STORED, kNone));
  EXPECT_THAT(SendNumber(10), Says(v1::OUTCOME_REFUSED, kNoConsentReason)) << "lost receipt";
  EXPECT_EQ(States(), "{[9,10),[20,21)} {} {} {[10,11),[19,20)} 4 1");
  EXPECT_EQ(Query("select count(*) from chunk where kind <> 3"), "2");
  EXPECT_EQ(Query("select count(*) from quarantine"), "0");
}

// Admission goes by what it heard some seconds ago; the commit asks the database.
TEST_F(IngestConsentTest, WhatIsUnderWayWhileARangeIsErasedIsJudgedAnew) {
  ManualClock clock{Clock::Real().Now()};
  store::ConsentBook book(&catalog_pool_, &clock, store::kConsentFreshFor);
  AddStream(sender_, kRecords, v1::MODALITY_RECORDS);
  IngestOptions options = Options();
  options.consent = &book;
  auto ingest = Ingest::Start(std::move(options));
  ASSERT_THAT(ingest, IsOk());
  ingest_ = *std::move(ingest);
  Decide(true, std::numeric_limits<int64_t>::min());
  PlaceBoot(now_ns_ - 100 * kHour);
  EXPECT_THAT(SendNumber(0), Says(v1::OUTCOME_STORED, kNone));
  EraseSeconds(1, 3);

  // In the erased range and beside it; and one that is stored already, which stays decided.
  v1::ChunkBody bad = SamplesBody(kSampled, 5);
  bad.mutable_samples()->set_count(3);
  const auto answers = Send(
      sender_, {SamplesBody(kSampled, 1), SamplesBody(kSampled, 4), SamplesBody(kSampled, 0), bad});
  ASSERT_EQ(answers.size(), 4u);
  for (const size_t i : {0, 1}) {
    EXPECT_THAT(answers[i], Says(v1::OUTCOME_REFUSED, kUndecided)) << i;
    EXPECT_EQ(answers[i].device_action(), v1::DEVICE_ACTION_RETRY_AFTER);
    EXPECT_GT(absl::Milliseconds(answers[i].retry_after_ms()), store::kConsentFreshFor);
  }
  EXPECT_THAT(answers[2], Says(v1::OUTCOME_DUPLICATE, kNone));
  EXPECT_THAT(answers[3], Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_PAYLOAD_SIZE));
  EXPECT_EQ(Query("select count(*) from chunk where kind <> 3"), "1");

  clock.Advance(absl::Milliseconds(kJudgeAnewRetryMs));
  EXPECT_THAT(SendNumber(1), Says(v1::OUTCOME_REFUSED, kNoConsentReason));
  EXPECT_THAT(SendNumber(4), Says(v1::OUTCOME_STORED, kNone));
  EXPECT_EQ(States(), "{[0,1),[4,5)} {[5,6)} {} {[1,2)} 4 1");
}

// One batch holds chunks of several participants: that of the others is written.
TEST_F(IngestConsentTest, AnErasureIsNoReasonToJudgeOthersAnew) {
  const Sender other = AddDevice(2);
  AddStream(other, kSampled + 100);
  ManualClock clock{Clock::Real().Now()};
  store::ConsentBook book(&catalog_pool_, &clock, store::kConsentFreshFor);
  IngestOptions options = Options();
  options.consent = &book;
  auto ingest = Ingest::Start(std::move(options));
  ASSERT_THAT(ingest, IsOk());
  ingest_ = *std::move(ingest);
  Decide(true, std::numeric_limits<int64_t>::min());
  EXPECT_THAT(SendNumber(0), Says(v1::OUTCOME_STORED, kNone));
  EXPECT_THAT(SendOne(other, SamplesBody(kSampled + 100, 0)), Says(v1::OUTCOME_STORED, kNone));
  EraseSeconds(1, 3);
  auto first = Submit(sender_, {EnvelopeOf(SamplesBody(kSampled, 7))});
  auto second = Submit(other, {EnvelopeOf(SamplesBody(kSampled + 100, 7))});
  const auto of_first = first.get();
  const auto of_second = second.get();
  ASSERT_TRUE(of_first.ok() && of_second.ok());
  EXPECT_THAT(Prove(*of_first).front(), Says(v1::OUTCOME_REFUSED, kUndecided));
  EXPECT_THAT(Prove(*of_second).front(), Says(v1::OUTCOME_STORED, kNone));
}

// What is settled stays what it is, and not even a conflict keeps bytes that must not be kept.
TEST_F(IngestConsentTest, ARefusalChangesNothingThatIsSettled) {
  Start();
  Decide(true, 0);
  SendNumber(0);
  v1::ChunkBody bad = SamplesBody(kSampled, 1);
  bad.mutable_samples()->set_count(3);
  EXPECT_THAT(SendOne(sender_, bad),
              Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_PAYLOAD_SIZE));
  database_.Execute("update stream_state set abandoned = '{[2,3)}'");
  Decide(false, std::numeric_limits<int64_t>::min());

  EXPECT_THAT(SendNumber(0), Says(v1::OUTCOME_DUPLICATE, kNone));
  EXPECT_THAT(SendOne(sender_, bad),
              Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_PAYLOAD_SIZE));
  v1::ChunkBody other = SamplesBody(kSampled, 0);
  other.set_clock_id(5);
  EXPECT_THAT(SendOne(sender_, other), Says(v1::OUTCOME_REFUSED, kNoConsentReason));
  EXPECT_THAT(SendNumber(1), Says(v1::OUTCOME_REFUSED, kNoConsentReason));
  EXPECT_THAT(SendNumber(2), Says(v1::OUTCOME_REFUSED, kNoConsentReason));
  EXPECT_EQ(Query("select stored || ' ' || quarantined || ' ' || abandoned || ' ' || refused "
                  "from stream_state"),
            "{[0,1)} {[1,2)} {[2,3)} {}");
  EXPECT_EQ(Query("select count(*) from quarantine"), "1");
}

// The device did not hear of its refusal, and meanwhile the participant changed their mind.
TEST_F(IngestConsentTest, ARefusedNumberIsTakenWhenConsentCoversItAfterAll) {
  Start();
  Decide(false, 0);
  SendNumber(0);
  SendNumber(1);
  SendNumber(2);
  Decide(true, 0);
  EXPECT_THAT(SendNumber(1), Says(v1::OUTCOME_STORED, kNone));
  v1::ChunkBody bad = SamplesBody(kSampled, 2);
  bad.mutable_samples()->set_count(3);
  EXPECT_THAT(SendOne(sender_, bad),
              Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_PAYLOAD_SIZE));
  EXPECT_EQ(States(), "{[1,2)} {[2,3)} {} {[0,1)} 5 0");
}

// A redrive is judged as well. What is refused stays where it is: a person discards it.
TEST_F(IngestConsentTest, ARedriveIsJudged) {
  Start();
  Decide(true, 0);
  const v1::ChunkBody body = SamplesBody(9, 0);
  EXPECT_THAT(SendOne(sender_, body),
              Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_STREAM_UNKNOWN));
  AddStream(sender_, 9);
  Decide(false, std::numeric_limits<int64_t>::min());
  const QuarantineId id = *QuarantineId::Parse(Query("select quarantine_id from quarantine"));
  const std::string raw = body.SerializeAsString();
  const std::string hash(AsView(Sha256(raw)));
  EXPECT_THAT(ingest_->Redrive(sender_, id, Uuid::MakeRandom(), raw, hash),
              support::IsOkAndHolds(Optional(Verdict::StopAndDelete(kNoConsentReason))));
  EXPECT_EQ(Query("select state from quarantine"), "1");
  Decide(true, 0);
  EXPECT_THAT(ingest_->Redrive(sender_, id, Uuid::MakeRandom(), raw, hash),
              support::IsOkAndHolds(Optional(Verdict::Stored())));
}

TEST_F(IngestConsentTest, ARedriveThatAnErasureOvertakesIsJudgedAnew) {
  ManualClock clock{Clock::Real().Now()};
  store::ConsentBook book(&catalog_pool_, &clock, store::kConsentFreshFor);
  IngestOptions options = Options();
  options.consent = &book;
  auto ingest = Ingest::Start(std::move(options));
  ASSERT_THAT(ingest, IsOk());
  ingest_ = *std::move(ingest);
  Decide(true, std::numeric_limits<int64_t>::min());
  const v1::ChunkBody body = SamplesBody(9, 0);
  EXPECT_THAT(SendOne(sender_, body),
              Says(v1::OUTCOME_QUARANTINED, v1::RECEIPT_REASON_STREAM_UNKNOWN));
  AddStream(sender_, 9);
  EraseSeconds(1, 3);
  const QuarantineId id = *QuarantineId::Parse(Query("select quarantine_id from quarantine"));
  const std::string raw = body.SerializeAsString();
  const std::string hash(AsView(Sha256(raw)));
  EXPECT_THAT(ingest_->Redrive(sender_, id, Uuid::MakeRandom(), raw, hash),
              support::IsOkAndHolds(Optional(JudgeAnew())));
  EXPECT_EQ(Query("select state from quarantine"), "1");
}

// A decision that is recorded while chunks are under way: what was judged before stays decided by
// the old one, and everything is settled one way or the other.
TEST_F(IngestConsentTest, ADecisionWhileChunksAreInFlightLeavesNoneOpen) {
  Start();
  Decide(true, 0);
  std::vector<std::future<absl::StatusOr<v1::ReceiptBatch>>> answers;
  constexpr uint64_t kChunks = 200;
  for (uint64_t n = 0; n < kChunks; ++n) {
    if (n == kChunks / 2) Decide(false, std::numeric_limits<int64_t>::min());
    answers.push_back(Submit(sender_, {EnvelopeOf(SamplesBody(kSampled, n))}));
  }
  uint64_t refused = 0;
  for (auto& answer : answers) {
    const auto receipts = answer.get();
    ASSERT_THAT(receipts, IsOk());
    const v1::ReceiptStatement statement = Prove(*receipts).front();
    if (statement.outcome() == v1::OUTCOME_STORED) continue;
    EXPECT_THAT(statement, Says(v1::OUTCOME_REFUSED, kNoConsentReason));
    ++refused;
  }
  EXPECT_GE(refused, kChunks / 2) << "what came after the decision is judged by it";
  EXPECT_EQ(Query("select stored + refused from stream_state"), "{[0,200)}");
  EXPECT_EQ(Query("select stored * refused from stream_state"), "{}");
  EXPECT_EQ(Query("select count(*) from chunk"), std::to_string(kChunks - refused));
}

// The question fails: nothing is decided, nothing refused.
TEST_F(IngestConsentTest, WithoutAnAnswerTheChunkIsUndecided) {
  db::Pool nowhere({.dsn = "host=/nonexistent dbname=t_none",
                    .connections_max = 1,
                    .statements = {store::sql::kAllStatements}});
  store::ConsentBook unknown(&nowhere, &Clock::Real());
  IngestOptions options = Options();
  options.consent = &unknown;
  auto ingest = Ingest::Start(std::move(options));
  ASSERT_THAT(ingest, IsOk());
  ingest_ = *std::move(ingest);
  auto future = Submit(sender_, {EnvelopeOf(SamplesBody(kSampled, 0))});
  std::thread stop([&] { ingest_->Shutdown(); });  // so that it is not tried again for seconds
  EXPECT_TRUE(absl::IsUnavailable(future.get().status()));
  stop.join();
  EXPECT_EQ(Query("select count(*) from stream_state"), "0");
}

}  // namespace
}  // namespace tidemark::ingest
