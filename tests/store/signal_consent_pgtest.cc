// Reads are judged by consent as it is recorded now: what lies outside is a gap and named.
#include <fmt/format.h>

#include <functional>
#include <limits>

#include "base/status_macros.h"
#include "store/signal_reader.h"
#include "tests/store/signal_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using signal::TimeRange;
using support::IsOk;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr v1::DataKind kKind = v1::DATA_KIND_OTHER;  // of Int16Channels
constexpr int64_t kMs = 1'000'000;
constexpr auto kHidden = UnreadableReason::kNoConsent;

// A participant with one stream: chunks of a second at 10 Hz, device time from 0 to 9.9 s, the
// values being the indexes of the samples.
class SignalConsentTest : public testing::Test {
 protected:
  static int64_t At(int64_t ms) { return kStudyZeroNs + ms * kMs; }
  static TimeRange Study(int64_t begin_ms, int64_t end_ms) { return {At(begin_ms), At(end_ms)}; }

  StreamId AddStream(const std::string& name, v1::Modality modality = v1::MODALITY_OTHER) {
    v1::StreamDeclaration declaration = Int16Channels(1, 10);
    declaration.set_modality(modality);
    const StreamId stream = scene_.Declare(person_, name, declaration);
    std::vector<StoredChunk> chunks;
    for (int64_t number = 0; number < 10; ++number) {
      StoredChunk& chunk = chunks.emplace_back();
      chunk.number = number;
      chunk.boot_id = boot_;
      chunk.stamps = RegularAt(number * kNsPerS, 10, 10);
      chunk.values = Int16Values(1, 10, [&](size_t, size_t i) { return number * 10 + int64_t(i); });
    }
    scene_.AddSegment(person_, stream, chunks);
    return stream;
  }
  void Place() { scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs); }
  void Decide(bool granted, int64_t from_ms, std::optional<int64_t> until_ms = std::nullopt,
              v1::DataKind kind = kKind) {
    std::optional<int64_t> until_ns;
    if (until_ms) until_ns = At(*until_ms);
    scene_.RecordConsent(person_, kind, granted, At(from_ms), until_ns);
  }

  // The values that a read gives; what it names as hidden stands in hidden_, in the order given,
  // with the values given before it.
  std::vector<int> Read(
      StreamId stream, const ReadRange& range = EverythingRange{},
      const std::function<void()>& after_each = [] {}) {
    std::vector<int> values;
    hidden_.clear();
    hidden_after_.clear();
    auto reading = scene_.reader().OpenSamples({person_.participant_id, stream, range, {}, false},
                                               kNoDeadline);
    EXPECT_THAT(reading, IsOk());
    if (!reading.ok()) return {};
    const auto take = [&](const ReadBlock& block) {
      for (size_t i = 0; i < block.values.size(); i += 2) {
        values.push_back(LoadLe<int16_t>(block.values.data() + i));
      }
      if (!block.encoded.empty()) values.push_back(-1);
      return absl::OkStatus();
    };
    const auto note = [&](const UnreadablePiece& piece) {
      EXPECT_EQ(piece.chunks.reason, kHidden);
      hidden_.push_back(piece.chunks);
      hidden_after_.push_back(values.size());
      return absl::OkStatus();
    };
    const SampleVisitor visitor{.block = take, .unreadable = note};
    while (true) {
      const absl::StatusOr<bool> more = (*reading)->Next(visitor);
      EXPECT_THAT(more, IsOk());
      if (!more.ok() || !*more) return values;
      after_each();
    }
  }
  SignalOverview Overview(StreamId stream, const TimeRange& range, size_t width) {
    auto overview =
        scene_.reader().GetOverview({person_.participant_id, stream, range, width}, kNoDeadline);
    EXPECT_THAT(overview, IsOk());
    return *std::move(overview);
  }
  StreamCoverage Coverage(std::optional<TimeRange> range = std::nullopt) {
    auto coverage =
        scene_.reader().GetCoverage({person_.participant_id, range, 200 * kMs, {}}, kNoDeadline);
    EXPECT_THAT(coverage, IsOk());
    return coverage->front();
  }
  static std::vector<int> Sequence(int begin, int end) {
    std::vector<int> numbers;
    for (int i = begin; i < end; ++i) numbers.push_back(i);
    return numbers;
  }
  static uint64_t Samples(const SignalOverview& overview) {
    uint64_t samples = 0;
    for (const signal::Column& column : overview.overview.columns) samples += column.samples;
    return samples;
  }

  SignalScene scene_;
  const SignalScene::Person person_ = scene_.AddPersonWithoutConsent();
  const BootId boot_ = BootId::MakeRandom();
  std::vector<UnreadableChunks> hidden_;
  std::vector<size_t> hidden_after_;
};

TEST_F(SignalConsentTest, WithoutAnyDecisionNothingIsShown) {
  Place();
  const StreamId stream = AddStream("acc");
  EXPECT_THAT(Read(stream), IsEmpty());
  ASSERT_EQ(hidden_.size(), 1u);
  EXPECT_EQ(hidden_[0].first_number, 0);
  EXPECT_EQ(hidden_[0].last_number, 9);
  EXPECT_EQ(hidden_[0].samples, 100);
  for (const size_t width : {size_t{1}, size_t{100}}) {
    const SignalOverview overview = Overview(stream, Study(0, 10'000), width);
    EXPECT_THAT(overview.overview.gaps, ElementsAre(Study(0, 10'000)));
    EXPECT_THAT(overview.unreadable, ElementsAre(UnreadableRange{{At(0), At(9'900) + 1}, kHidden}));
  }
  const StreamCoverage coverage = Coverage();
  EXPECT_THAT(coverage.ranges, IsEmpty());
  EXPECT_THAT(coverage.unreadable, ElementsAre(UnreadableRange{{At(0), At(9'900) + 1}, kHidden}));
  EXPECT_EQ(coverage.unreadable_chunks, 10);
  EXPECT_EQ(coverage.chunks, 10);
}

// Consent holds from 1.5 s to 7.25 s, but for 3 s to 4 s.
TEST_F(SignalConsentTest, SamplesAreCutAtTheBordersOfConsent) {
  Place();
  const StreamId stream = AddStream("acc");
  Decide(true, 1'500, 7'250);
  Decide(false, 3'000, 4'000);
  std::vector<int> expected = Sequence(15, 30);
  for (const int value : Sequence(40, 73)) expected.push_back(value);

  EXPECT_EQ(Read(stream), expected);
  ASSERT_EQ(hidden_.size(), 3u);
  EXPECT_EQ(hidden_[0].device, (TimeRange{0, 1'400 * kMs + 1}));
  EXPECT_EQ(hidden_[0].samples, 15);
  EXPECT_EQ(hidden_[0].last_number, 1) << "the second chunk is shown in part";
  EXPECT_EQ(hidden_[1].device, (TimeRange{3'000 * kMs, 3'900 * kMs + 1}));
  EXPECT_EQ(hidden_[2].device, (TimeRange{7'300 * kMs, 9'900 * kMs + 1}));
  EXPECT_EQ(hidden_[2].samples, 27);
  EXPECT_THAT(hidden_after_, ElementsAre(0u, 15u, 48u));

  EXPECT_EQ(Read(stream, StudyRange{Study(0, 10'000)}), expected);
  EXPECT_EQ(hidden_.size(), 3u);
  EXPECT_EQ(Read(stream, StudyRange{Study(2'000, 2'500)}), Sequence(20, 25));
  EXPECT_THAT(hidden_, IsEmpty());
  EXPECT_EQ(Read(stream, ScanRange{boot_, 0, {7'000 * kMs, 7'600 * kMs}}), Sequence(70, 73));
  ASSERT_EQ(hidden_.size(), 1u);
  EXPECT_EQ(hidden_[0].device, (TimeRange{7'300 * kMs, 7'600 * kMs}));
}

// By samples and by tiles the same samples are counted, and none beside them is shown.
TEST_F(SignalConsentTest, PicturesAreCutAtTheBordersOfConsent) {
  Place();
  const StreamId stream = AddStream("acc");
  Decide(true, 1'500, 7'250);
  Decide(false, 3'000, 4'000);
  for (const size_t width : {size_t{1}, size_t{3}, size_t{100}}) {
    SCOPED_TRACE(width);
    const SignalOverview overview = Overview(stream, Study(0, 10'000), width);
    EXPECT_EQ(Samples(overview), 48u);
    EXPECT_THAT(overview.unreadable,
                ElementsAre(UnreadableRange{Study(0, 1'500), kHidden},
                            UnreadableRange{{At(3'000), At(3'900) + 1}, kHidden},
                            UnreadableRange{{At(7'250), At(9'900) + 1}, kHidden}));
    EXPECT_FALSE(overview.overview.before.has_value());
    EXPECT_FALSE(overview.overview.after.has_value());
  }
  const SignalOverview beside = Overview(stream, Study(4'050, 7'260), 1'000);
  ASSERT_TRUE(beside.overview.before.has_value());
  EXPECT_EQ(beside.overview.before->t_ns, At(4'000));
  EXPECT_FALSE(beside.overview.after.has_value()) << "the next sample may not be shown";
}

TEST_F(SignalConsentTest, CoverageIsCutAtTheBordersOfConsent) {
  Place();
  AddStream("acc");
  Decide(true, 1'500, 7'250);
  Decide(false, 3'000, 4'000);
  for (const auto& range : {std::optional<TimeRange>(), std::optional(Study(-1'000, 20'000))}) {
    const StreamCoverage coverage = Coverage(range);
    EXPECT_THAT(coverage.ranges,
                ElementsAre(TimeRange{At(1'500), At(2'900) + 1}, Study(4'000, 7'250)));
    EXPECT_THAT(coverage.unreadable,
                ElementsAre(UnreadableRange{Study(0, 1'500), kHidden},
                            UnreadableRange{{At(3'000), At(3'900) + 1}, kHidden},
                            UnreadableRange{{At(7'250), At(9'900) + 1}, kHidden}));
    EXPECT_EQ(coverage.chunks, 10);
    EXPECT_EQ(coverage.samples, 100);
    EXPECT_EQ(coverage.unreadable_chunks, 5) << "those that begin where consent does not hold";
  }
  EXPECT_THAT(Coverage(Study(5'000, 6'000)).unreadable, IsEmpty());
}

TEST_F(SignalConsentTest, KindsAreJudgedOnTheirOwn) {
  Place();
  const StreamId motion = AddStream("acc", v1::MODALITY_STEP_COUNT);
  const StreamId other = AddStream("other");
  Decide(true, 0, std::nullopt, v1::DATA_KIND_MOTION);
  Decide(false, 0);
  EXPECT_EQ(Read(motion), Sequence(0, 100));
  EXPECT_THAT(Read(other), IsEmpty());
}

// What was recorded before stays readable, for those whose grants allow it.
TEST_F(SignalConsentTest, AWithdrawalHidesOnlyWhatCameAfter) {
  Place();
  const StreamId stream = AddStream("acc");
  Decide(true, -1'000);
  Decide(false, 5'000);
  EXPECT_EQ(Read(stream), Sequence(0, 50));
}

// A decision that is recorded while somebody reads holds for what was not given yet.
TEST_F(SignalConsentTest, ADecisionHoldsWithinARead) {
  Place();
  const StreamId stream = AddStream("acc");
  Decide(true, 0);
  int pieces = 0;
  const std::vector<int> given = Read(stream, EverythingRange{}, [&] {
    if (++pieces == 3) Decide(false, 0);
  });
  EXPECT_EQ(given, Sequence(0, 30));
  ASSERT_EQ(hidden_.size(), 1u);
  EXPECT_EQ(hidden_[0].first_number, 3);
}

// 1970: a clock that was never set. Any consent shows what it stamped, as any let it in.
TEST_F(SignalConsentTest, WhatHasNoBelievedTimeIsShownWhereAnythingIsGranted) {
  const StreamId stream = AddStream("acc");
  Decide(true, -100'000, -99'000);
  EXPECT_THAT(Read(stream), IsEmpty()) << "it has no place, and consent had ended when it arrived";
  EXPECT_EQ(Coverage().unreadable_chunks, 10);
  scene_.AddClockPair(person_, boot_, 0, 0);
  EXPECT_EQ(Read(stream), Sequence(0, 100));
  EXPECT_EQ(Samples(Overview(stream, {0, 10 * kNsPerS}, 10)), 100u);
}

// A film cannot be cut.
TEST_F(SignalConsentTest, AnEncodedSegmentThatIsPartlyOutsideIsHiddenWhole) {
  Place();
  v1::StreamDeclaration declaration;
  declaration.set_modality(v1::MODALITY_ENCODED_VIDEO);
  declaration.set_media_type("video/hevc");
  const StreamId stream = scene_.Declare(person_, "film", declaration);
  std::vector<StoredChunk> chunks;
  for (int64_t number = 0; number < 3; ++number) {
    StoredChunk& chunk = chunks.emplace_back();
    chunk.number = number;
    chunk.boot_id = boot_;
    chunk.stamps = signal::Stamps::Exact({number * kNsPerS, (number + 1) * kNsPerS});
    chunk.encoded = "film";
  }
  scene_.AddSegment(person_, stream, chunks);
  Decide(true, 0, 1'500, v1::DATA_KIND_VIDEO);
  EXPECT_EQ(Read(stream), std::vector<int>({-1}));
  ASSERT_EQ(hidden_.size(), 1u);
  EXPECT_EQ(hidden_[0].first_number, 1);
  EXPECT_EQ(hidden_[0].last_number, 2);
}

// Erased is erased, whatever was agreed to; bytes of what is hidden are not shown, but verified.
TEST_F(SignalConsentTest, ErasureIsNamedFirstAndVerifyingIsNotJudged) {
  Place();
  const StreamId stream = AddStream("acc");
  TM_ASSERT_OK_AND_ASSIGN(const VerifiedPage verified,
                          scene_.reader().VerifyStored(
                              {person_.participant_id, {stream}, std::nullopt, 100}, kNoDeadline));
  EXPECT_EQ(verified.intact_chunks, 10);
  ASSERT_THAT(scene_.keys().DestroyParticipant(person_.participant_id), IsOk());
  EXPECT_THAT(Coverage().unreadable,
              ElementsAre(UnreadableRange{{At(0), At(9'900) + 1}, UnreadableReason::kErased}));
}

// Chunks that no clock pair places, as they arrived while consent held and after it had ended.
TEST_F(SignalConsentTest, WhatHasNoPlaceIsShownIfItArrivedWhileConsentHeld) {
  scene_.arrival_ = "2026-11-20 12:00:00Z";
  const StreamId before = AddStream("before");
  scene_.arrival_ = "2026-11-22 12:00:00Z";
  const StreamId after = AddStream("after");
  constexpr int64_t between_ns = kStudyZeroNs + int64_t{61} * 86'400 * kNsPerS;  // 2026-11-21
  scene_.RecordConsent(person_, kKind, true, 0);
  EXPECT_EQ(Read(before), Sequence(0, 100));
  EXPECT_EQ(Read(after), Sequence(0, 100));
  scene_.RecordConsent(person_, kKind, false, between_ns);
  EXPECT_EQ(Read(before), Sequence(0, 100));
  for (const ReadRange& range :
       {ReadRange(EverythingRange{}), ReadRange(ScanRange{boot_, 0, {0, 10 * kNsPerS}})}) {
    EXPECT_THAT(Read(after, range), IsEmpty());
    ASSERT_EQ(hidden_.size(), 1u);
    EXPECT_EQ(hidden_[0].samples, 100);
  }
  const auto coverage = scene_.reader().GetCoverage(
      {person_.participant_id, std::nullopt, 200 * kMs, {before, after}}, kNoDeadline);
  ASSERT_THAT(coverage, IsOk());
  EXPECT_EQ((*coverage)[0].unreadable_chunks, 0);
  EXPECT_EQ((*coverage)[1].unreadable_chunks, 10);
  // Consent that is given again does not say what was recorded in between.
  scene_.RecordConsent(person_, kKind, true, between_ns + 3'600 * kNsPerS);
  EXPECT_THAT(Read(after), IsEmpty());
  // Once it has a place it is judged by it: it was recorded two months ago.
  Place();
  EXPECT_EQ(Read(after), Sequence(0, 100));
}

// It was not marked: it had no place when the range was erased, or slipped in.
TEST_F(SignalConsentTest, WhatWasErasedIsHiddenThoughItIsNotMarked) {
  scene_.RecordConsent(person_, kKind, true, 0);
  const StreamId stream = AddStream("acc");
  const StreamId other = AddStream("other");
  scene_.EraseRange(person_, stream, Study(3'000, 4'500));
  EXPECT_THAT(Read(stream), IsEmpty()) << "what has no place may be of the range";
  EXPECT_EQ(Read(other), Sequence(0, 100));
  Place();
  std::vector<int> expected = Sequence(0, 30);
  for (const int value : Sequence(45, 100)) expected.push_back(value);
  EXPECT_EQ(Read(stream), expected);
  EXPECT_EQ(Read(stream, ScanRange{boot_, 0, {0, 10 * kNsPerS}}), expected);
  EXPECT_EQ(Read(stream, StudyRange{Study(3'000, 4'500)}), Sequence(0, 0));
  for (const size_t width : {size_t{1}, size_t{3}, size_t{100}}) {
    const SignalOverview overview = Overview(stream, Study(0, 10'000), width);
    EXPECT_EQ(Samples(overview), 85u) << width;
    EXPECT_THAT(overview.unreadable, ElementsAre(UnreadableRange{Study(3'000, 4'500), kHidden}));
  }
  EXPECT_THAT(Coverage().unreadable, ElementsAre(UnreadableRange{Study(3'000, 4'500), kHidden}));
  // New consent brings nothing back.
  Decide(true, 0);
  EXPECT_EQ(Read(stream), expected);
  EXPECT_EQ(Read(other), Sequence(0, 100));
}

}  // namespace
}  // namespace tidemark::store
