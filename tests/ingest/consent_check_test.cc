// Consent at admission, without a database.
#include "ingest/consent_check.h"

#include <gmock/gmock.h>

#include "tests/ingest/admission_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

constexpr int64_t kHourNs = 3'600'000'000'000;
constexpr int64_t kYearNs = 365 * 24 * kHourNs;
constexpr v1::DataKind kSampledKind = v1::DATA_KIND_OTHER;  // of AdmissionScene's kSampled
constexpr auto kNoConsent = v1::RECEIPT_REASON_NO_CONSENT;

const Verdict kMustGo = Verdict::StopAndDelete(kNoConsent);
const Verdict kMustWait =
    Verdict::RetryAfter(v1::RECEIPT_REASON_CONSENT_UNDECIDED, kConsentUndecidedRetryMs);

const Verdict kMustBePlaced =
    Verdict::RetryAfter(v1::RECEIPT_REASON_CONSENT_UNDECIDED, kNoPlaceYetRetryMs);

class ConsentCheckTest : public ::testing::Test {
 protected:
  Verdict Answer(const v1::ChunkBody& body) {
    const auto decision = scene_.Try(EnvelopeOf(body));
    EXPECT_THAT(decision, support::IsOk());
    if (!decision.ok()) return {};
    const bool is_kept = std::holds_alternative<SetAside>(decision->what) ||
                         std::holds_alternative<AdmittedChunk>(decision->what);
    EXPECT_EQ(decision->body.empty(), !is_kept) << "the bytes of what is refused go nowhere";
    return AdmissionScene::VerdictOf(*decision);
  }
  // A second of samples that begins at this study time.
  Verdict AnswerAt(int64_t study_ns) {
    scene_.study_of_zero_ns = study_ns;
    return Answer(SamplesBody(kSampled, 0));
  }
  void Decide(v1::DataKind kind, bool granted, int64_t from_ns,
              std::optional<int64_t> until_ns = std::nullopt) {
    scene_.decisions.push_back({kind, ++version_, granted, from_ns, until_ns});
  }

  void SetUp() override { scene_.decisions.clear(); }

  AdmissionScene scene_;
  const int64_t now_ns_ = absl::ToUnixNanos(scene_.now);
  uint32_t version_ = 0;
};

TEST_F(ConsentCheckTest, WhatNobodyDecidedWaitsAndNothingIsLost) {
  EXPECT_EQ(Answer(SamplesBody(kSampled, 0)), kMustWait);
  Decide(v1::DATA_KIND_MOTION, true, 0);
  EXPECT_EQ(Answer(SamplesBody(kSampled, 0)), kMustWait) << "another kind was decided";
  Decide(kSampledKind, true, 0);
  EXPECT_EQ(Answer(SamplesBody(kSampled, 0)), Verdict::Stored());
  EXPECT_EQ(Answer(EncodedBody()), kMustWait);
}

TEST_F(ConsentCheckTest, WhatWasNeverGrantedIsRefusedWithoutATime) {
  Decide(kSampledKind, false, 0);
  EXPECT_EQ(Answer(SamplesBody(kSampled, 0)), kMustGo);
  EXPECT_EQ(scene_.placements_asked, 0);
}

// Without them nothing could be placed; they are about the device.
TEST_F(ConsentCheckTest, RecordsOfTheClockAreNeverJudged) {
  EXPECT_EQ(Answer(RecordsBody()), Verdict::Stored());
  Decide(v1::DATA_KIND_DEVICE, false, 0);
  EXPECT_EQ(Answer(RecordsBody()), Verdict::Stored());
}

TEST_F(ConsentCheckTest, ABacklogFromWhileConsentHeldIsTakenAfterAWithdrawal) {
  Decide(kSampledKind, true, now_ns_ - 100 * kHourNs);
  Decide(kSampledKind, false, now_ns_ - 50 * kHourNs);
  EXPECT_EQ(AnswerAt(now_ns_ - 60 * kHourNs), Verdict::Stored());
  EXPECT_EQ(AnswerAt(now_ns_ - 40 * kHourNs), kMustGo);
  EXPECT_EQ(AnswerAt(now_ns_ - 101 * kHourNs), kMustGo) << "before it was given";
}

// The second of samples: stamps 0 to 0.99 s, the last of them inside.
TEST_F(ConsentCheckTest, OneInstantOfConsentIsEnough) {
  constexpr int64_t kLastStampNs = 990'000'000;
  Decide(kSampledKind, true, now_ns_ - kHourNs, now_ns_);
  EXPECT_EQ(AnswerAt(now_ns_ - kHourNs - kLastStampNs), Verdict::Stored());
  EXPECT_EQ(AnswerAt(now_ns_ - kHourNs - kLastStampNs - 1), kMustGo);
  EXPECT_EQ(AnswerAt(now_ns_ - 1), Verdict::Stored());
  EXPECT_EQ(AnswerAt(now_ns_), kMustGo);
}

TEST_F(ConsentCheckTest, WhatHasNoPlaceYetIsTakenWhileConsentHolds) {
  Decide(kSampledKind, true, now_ns_);
  scene_.study_of_zero_ns.reset();
  EXPECT_EQ(Answer(SamplesBody(kSampled, 0)), Verdict::Stored());
  EXPECT_EQ(scene_.placements_asked, 1);
}

// It may be of the time from which consent was withheld: the device keeps it and asks again.
TEST_F(ConsentCheckTest, WhatHasNoPlaceYetWaitsOnceConsentHasEnded) {
  Decide(kSampledKind, true, now_ns_ - 10 * kHourNs);
  Decide(kSampledKind, false, now_ns_ - 4 * kHourNs, now_ns_ - 2 * kHourNs);
  scene_.study_of_zero_ns.reset();
  EXPECT_EQ(Answer(SamplesBody(kSampled, 0)), kMustBePlaced) << "consent holds again";
  EXPECT_EQ(AnswerAt(now_ns_ - 5 * kHourNs), Verdict::Stored());
  EXPECT_EQ(AnswerAt(now_ns_ - 3 * kHourNs), kMustGo);
  Decide(kSampledKind, false, now_ns_);
  scene_.study_of_zero_ns.reset();
  EXPECT_EQ(Answer(SamplesBody(kSampled, 0)), kMustBePlaced);
  EXPECT_EQ(Answer(RecordsBody()), Verdict::Stored()) << "which is what places it";
}

// Whole chunks go, as they go that are stored already.
TEST_F(ConsentCheckTest, WhatTouchesAnErasedRangeIsRefused) {
  constexpr int64_t kLastStampNs = 990'000'000;
  Decide(kSampledKind, true, std::numeric_limits<int64_t>::min());
  const signal::TimeRange evening{now_ns_ - 4 * kHourNs, now_ns_ - 2 * kHourNs};
  scene_.erased.push_back({StreamId{UuidOf(4, kEncoded)}, evening});
  EXPECT_EQ(AnswerAt(evening.begin_ns), Verdict::Stored()) << "of another stream";
  scene_.erased.push_back({{}, evening});
  EXPECT_EQ(AnswerAt(evening.begin_ns - kLastStampNs - 1), Verdict::Stored());
  EXPECT_EQ(AnswerAt(evening.begin_ns - kLastStampNs), kMustGo) << "in part";
  EXPECT_EQ(AnswerAt(evening.begin_ns + kHourNs), kMustGo);
  EXPECT_EQ(AnswerAt(evening.end_ns - 1), kMustGo);
  EXPECT_EQ(AnswerAt(evening.end_ns), Verdict::Stored());
  EXPECT_EQ(Answer(RecordsBody()), Verdict::Stored()) << "clock records are no recordings";
}

// Even where a clock is not believed: what such a clock stamped was erased, too.
TEST_F(ConsentCheckTest, AnErasedRangeIsTakenAtItsWord) {
  Decide(kSampledKind, true, std::numeric_limits<int64_t>::min());
  scene_.erased.push_back({{}, {0, 10 * kHourNs}});
  EXPECT_EQ(AnswerAt(kHourNs), kMustGo);
}

TEST_F(ConsentCheckTest, WhatHasNoPlaceYetWaitsIfItMayBeOfAnErasedRange) {
  Decide(kSampledKind, true, std::numeric_limits<int64_t>::min());
  scene_.erased.push_back({{}, {now_ns_ + 1, now_ns_ + kHourNs}});
  EXPECT_EQ(Answer(SamplesBody(kSampled, 0)), Verdict::Stored()) << "which lies ahead";
  scene_.erased.push_back({{}, {now_ns_ - kHourNs, now_ns_}});
  EXPECT_EQ(Answer(SamplesBody(kSampled, 0)), kMustBePlaced);
}

// A clock that was never set, or was set two years ahead, must not destroy a recording. One that is
// wrong and plausible is believed: nobody can tell it from a device that recorded too early.
TEST_F(ConsentCheckTest, AWrongClockDestroysNothingUnlessItIsPlausible) {
  Decide(kSampledKind, true, now_ns_ - kHourNs);
  Decide(kSampledKind, false, now_ns_);
  for (const int64_t study_ns :
       {int64_t{0}, store::kEarliestBelievedNs - 2'000'000'000, now_ns_ + 25 * kHourNs,
        now_ns_ + 2 * kYearNs, std::numeric_limits<int64_t>::max(),
        std::numeric_limits<int64_t>::min()}) {
    EXPECT_EQ(AnswerAt(study_ns), Verdict::Stored()) << study_ns;
  }
  EXPECT_EQ(AnswerAt(store::kEarliestBelievedNs), kMustGo);
  EXPECT_EQ(AnswerAt(now_ns_ + 23 * kHourNs), kMustGo);
  EXPECT_EQ(AnswerAt(now_ns_ - 2 * kYearNs), kMustGo);
}

TEST_F(ConsentCheckTest, APlaceIsAskedForOnlyWhereTheAnswerHangsOnIt) {
  Decide(kSampledKind, true, store::kEarliestBelievedNs);
  EXPECT_EQ(AnswerAt(now_ns_), Verdict::Stored());
  EXPECT_EQ(scene_.placements_asked, 0);
  Decide(kSampledKind, false, now_ns_, now_ns_ + 1);
  EXPECT_EQ(AnswerAt(now_ns_ - kHourNs), Verdict::Stored());
  EXPECT_EQ(scene_.placements_asked, 1);
}

// What is set aside is kept as well.
TEST_F(ConsentCheckTest, BodiesThatWouldBeSetAsideAreJudgedByTheirStream) {
  const auto answers = [&] {
    v1::ChunkBody bad_payload = SamplesBody(kSampled, 1);
    bad_payload.mutable_samples()->set_count(3);
    v1::ChunkBody bad_form = SamplesBody(kSampled, 2);
    bad_form.set_version(9);
    v1::ChunkBody bad_version = SamplesBody(kSampled, 3);
    bad_version.set_stream_version(7);
    return std::vector{Answer(bad_payload), Answer(bad_form), Answer(bad_version)};
  };
  EXPECT_THAT(answers(), ::testing::Each(kMustWait));
  Decide(kSampledKind, false, 0);
  EXPECT_THAT(answers(), ::testing::Each(kMustGo));
  Decide(kSampledKind, true, 0);
  EXPECT_THAT(answers(),
              ::testing::Each(::testing::Field(&Verdict::outcome, v1::OUTCOME_QUARANTINED)));
}

// It may be of any kind, so that anything granted lets it in; and nothing is written down about the
// number of a stream that is nobody's.
TEST_F(ConsentCheckTest, BodiesOfUndeclaredStreamsAreTakenFromWhoGrantedAnything) {
  const v1::ChunkBody unknown = SamplesBody(99, 0);
  EXPECT_EQ(Answer(unknown), kMustWait);
  Decide(v1::DATA_KIND_VIDEO, false, 0);
  EXPECT_EQ(Answer(unknown), kMustGo);
  EXPECT_TRUE(std::holds_alternative<Verdict>(scene_.Try(EnvelopeOf(unknown))->what));
  EXPECT_EQ(Answer(SamplesBody(kForeign, 0)), kMustGo) << "as if it did not exist";
  Decide(v1::DATA_KIND_MOTION, true, 0);
  EXPECT_EQ(Answer(unknown), Verdict::Quarantined(v1::RECEIPT_REASON_STREAM_UNKNOWN));
}

// The writer tells devices of those who were erased to delete.
TEST_F(ConsentCheckTest, SomebodyWhoIsGoneIsNotUndecided) {
  scene_.is_gone = true;
  EXPECT_EQ(Answer(SamplesBody(kSampled, 0)), Verdict::Stored());
}

TEST_F(ConsentCheckTest, AQuestionThatFailsDecidesNothing) {
  Decide(kSampledKind, true, now_ns_);
  scene_.placement_broken = absl::UnavailableError("down");
  EXPECT_THAT(scene_.Try(EnvelopeOf(SamplesBody(kSampled, 0))),
              support::StatusIs(absl::StatusCode::kUnavailable));
  scene_.consent_broken = absl::UnavailableError("down");
  EXPECT_THAT(scene_.Try(EnvelopeOf(SamplesBody(kSampled, 0))),
              support::StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace tidemark::ingest
