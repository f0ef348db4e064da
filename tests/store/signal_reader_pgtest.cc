#include <fmt/format.h>

#include <cmath>
#include <map>
#include <random>

#include "base/status_macros.h"
#include "store/signal_reader.h"
#include "tests/store/signal_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using absl::StatusCode;
using support::IsOk;
using support::StatusIs;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kHourNs = 3'600 * kNsPerS;

// What a read gave, copied.
struct GivenBlock {
  int64_t number;
  uint64_t first_counter;
  std::vector<int64_t> stamps_ns;
  std::string values;
  std::string encoded;
  bool placed;
};

class SignalReaderTest : public testing::Test {
 protected:
  // All of a read; what was given until an error stands in blocks_ and unreadable_.
  absl::Status ReadAll(const SampleQuery& query, const SampleVisitor& visitor,
                       absl::Time deadline = kNoDeadline) {
    TM_ASSIGN_OR_RETURN(const auto reading, scene_.reader().OpenSamples(query, deadline));
    while (true) {
      TM_ASSIGN_OR_RETURN(const bool more, reading->Next(visitor));
      if (!more) return absl::OkStatus();
    }
  }
  absl::StatusOr<std::vector<GivenBlock>> Read(StreamId stream, const ReadRange& range,
                                               std::vector<std::string> channels = {},
                                               bool whole_chunks = false) {
    blocks_.clear();
    unreadable_.clear();
    const absl::Status status =
        ReadAll({person_.participant_id, stream, range, std::move(channels), whole_chunks},
                {.block =
                     [&](const ReadBlock& block) {
                       EXPECT_EQ(block.stamps_ns.size(), block.encoded.empty() ? block.count : 2);
                       blocks_.push_back({block.chunk.number,
                                          block.first_counter,
                                          {block.stamps_ns.begin(), block.stamps_ns.end()},
                                          std::string(block.values),
                                          std::string(block.encoded),
                                          block.placement != nullptr});
                       return absl::OkStatus();
                     },
                 .unreadable =
                     [&](const UnreadablePiece& piece) {
                       unreadable_.push_back(piece.chunks);
                       return absl::OkStatus();
                     }});
    if (!status.ok()) return status;
    return blocks_;
  }
  // Makes the payloads of some segments fail their checksum; `which` is a condition.
  void Damage(const std::string& which) {
    scene_.database().Execute(
        fmt::format("update segment set payload = set_byte(payload, 40, get_byte(payload, 40) # 1)"
                    " where participant_id = '{}' and {}",
                    person_.participant_id.ToString(), which));
  }
  // Ten chunks of ten samples each at 10 Hz, value = index of the sample; two chunks a segment.
  StreamId TenSeconds(BootId boot, int64_t begin_ns = 0) {
    const StreamId stream = scene_.Declare(person_, boot.ToString(), Int16Channels(1, 10));
    for (int64_t number = 0; number < 10; number += 2) {
      scene_.AddSegment(person_, stream,
                        {Second(boot, number, begin_ns), Second(boot, number + 1, begin_ns)});
    }
    return stream;
  }
  static StoredChunk Second(BootId boot, int64_t number, int64_t begin_ns) {
    StoredChunk chunk;
    chunk.number = number;
    chunk.boot_id = boot;
    chunk.first_counter = number * 10;
    chunk.stamps = RegularAt(begin_ns + number * kNsPerS, 10, 10);
    chunk.values = Int16Values(1, 10, [&](size_t, size_t i) { return number * 10 + int64_t(i); });
    return chunk;
  }
  static std::vector<int64_t> Numbers(const std::vector<GivenBlock>& blocks) {
    std::vector<int64_t> numbers;
    for (const GivenBlock& block : blocks) numbers.push_back(block.number);
    return numbers;
  }
  static std::vector<int> Values(const std::vector<GivenBlock>& blocks) {
    std::vector<int> values;
    for (const GivenBlock& block : blocks) {
      for (size_t i = 0; i < block.values.size(); i += 2) {
        values.push_back(LoadLe<int16_t>(block.values.data() + i));
      }
    }
    return values;
  }
  static ScanRange DeviceRange(BootId boot, int64_t begin_ns, int64_t end_ns) {
    return {boot, 0, {begin_ns, end_ns}};
  }
  std::vector<int> Sequence(int begin, int end) {
    std::vector<int> numbers;
    for (int i = begin; i < end; ++i) numbers.push_back(i);
    return numbers;
  }

  SignalScene scene_;
  const SignalScene::Person person_ = scene_.AddPerson();
  const BootId boot_ = BootId::MakeRandom();
  std::vector<GivenBlock> blocks_;
  std::vector<UnreadableChunks> unreadable_;
};

TEST_F(SignalReaderTest, EverythingComesBackBitForBit) {
  const StreamId stream = TenSeconds(boot_);
  TM_ASSERT_OK_AND_ASSIGN(const auto blocks, Read(stream, EverythingRange{}));
  EXPECT_THAT(Numbers(blocks), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(Values(blocks), Sequence(0, 100));
  EXPECT_EQ(blocks[3].stamps_ns, RegularAt(3 * kNsPerS, 10, 10).ToVector());
  EXPECT_EQ(blocks[3].first_counter, 30u);
  EXPECT_FALSE(blocks[3].placed);
}

TEST_F(SignalReaderTest, DeviceRangesAreHalfOpen) {
  const StreamId stream = TenSeconds(boot_);
  constexpr int64_t kStepNs = kNsPerS / 10;
  const auto values_in = [&](int64_t begin_ns, int64_t end_ns) {
    const auto blocks = Read(stream, DeviceRange(boot_, begin_ns, end_ns));
    EXPECT_THAT(blocks, IsOk());
    return Values(*blocks);
  };
  EXPECT_EQ(values_in(25 * kStepNs, 31 * kStepNs), Sequence(25, 31));
  EXPECT_EQ(values_in(25 * kStepNs + 1, 31 * kStepNs + 1), Sequence(26, 32));
  EXPECT_EQ(values_in(9 * kStepNs, 10 * kStepNs), Sequence(9, 10));
  EXPECT_EQ(values_in(9 * kStepNs + 1, 10 * kStepNs), Sequence(0, 0));
  EXPECT_EQ(values_in(-kHourNs, 0), Sequence(0, 0));
  EXPECT_EQ(values_in(-kHourNs, 1), Sequence(0, 1));
  EXPECT_EQ(values_in(99 * kStepNs, kHourNs), Sequence(99, 100));
  EXPECT_EQ(values_in(99 * kStepNs + 1, kHourNs), Sequence(0, 0));
  EXPECT_EQ(values_in(INT64_MIN, INT64_MAX), Sequence(0, 100));
}

TEST_F(SignalReaderTest, TrimmedBlocksCountOnFromTheirFirstSample) {
  const StreamId stream = TenSeconds(boot_);
  TM_ASSERT_OK_AND_ASSIGN(const auto blocks,
                          Read(stream, DeviceRange(boot_, 2'300'000'000, 3'200'000'000)));
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].first_counter, 23u);
  EXPECT_EQ(blocks[1].first_counter, 30u);
  TM_ASSERT_OK_AND_ASSIGN(
      const auto whole,
      Read(stream, DeviceRange(boot_, 2'300'000'000, 3'200'000'000), {}, /*whole_chunks=*/true));
  EXPECT_EQ(Values(whole), Sequence(20, 40));
}

TEST_F(SignalReaderTest, OtherClocksAndBootsAreOtherRanges) {
  const StreamId stream = TenSeconds(boot_);
  StoredChunk chunk = Second(boot_, 100, 0);
  chunk.clock_id = 7;
  chunk.stamps = RegularAt(0, 10, 10);
  scene_.AddSegment(person_, stream, {chunk});
  TM_ASSERT_OK_AND_ASSIGN(const auto blocks, Read(stream, DeviceRange(boot_, 0, kNsPerS)));
  EXPECT_THAT(Numbers(blocks), ElementsAre(0));
  TM_ASSERT_OK_AND_ASSIGN(const auto clock_7, Read(stream, ScanRange{boot_, 7, {0, kNsPerS}}));
  EXPECT_THAT(Numbers(clock_7), ElementsAre(100));
  TM_ASSERT_OK_AND_ASSIGN(const auto nothing,
                          Read(stream, DeviceRange(BootId::MakeRandom(), 0, kNsPerS)));
  EXPECT_THAT(Numbers(nothing), ElementsAre());
}

TEST_F(SignalReaderTest, StudyTimeFollowsTheEarliestPairOfEachBoot) {
  const StreamId stream = TenSeconds(boot_, 5'000 * kNsPerS);
  const BootId later = BootId::MakeRandom();
  scene_.AddSegment(person_, stream, {Second(later, 50, -50 * kNsPerS)});  // device time 0
  const BootId unplaced = BootId::MakeRandom();
  scene_.AddSegment(person_, stream, {Second(unplaced, 60, 0)});
  // Device 5,000 s is study second 0; the later boot begins at study second 20.
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs - 5'000 * kNsPerS, 4'000 * kNsPerS);
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs + 77, 9'000 * kNsPerS);  // later: not used
  scene_.AddClockPair(person_, later, 0, kStudyZeroNs + 20 * kNsPerS);
  scene_.AddClockPair(person_, unplaced, 1, kStudyZeroNs);  // another clock

  const auto numbers_in = [&](int64_t begin_s, int64_t end_s) {
    const auto blocks = Read(
        stream, StudyRange{{kStudyZeroNs + begin_s * kNsPerS, kStudyZeroNs + end_s * kNsPerS}});
    EXPECT_THAT(blocks, IsOk());
    return Numbers(*blocks);
  };
  EXPECT_THAT(numbers_in(3, 5), ElementsAre(3, 4));
  EXPECT_THAT(numbers_in(9, 21), ElementsAre(9, 50));
  EXPECT_THAT(numbers_in(-100, 0), ElementsAre());
  EXPECT_THAT(numbers_in(21, 100), ElementsAre());
  EXPECT_THAT(numbers_in(0, 100'000), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 50));
  TM_ASSERT_OK_AND_ASSIGN(const auto everything, Read(stream, EverythingRange{}));
  EXPECT_EQ(everything.size(), 12u);
}

TEST_F(SignalReaderTest, OddStampsAreNeitherLostNorInvented) {
  const StreamId stream = scene_.Declare(person_, "odd", Int16Channels(1, 0));
  StoredChunk chunk;
  chunk.boot_id = boot_;
  chunk.first_counter = 1'000;
  // Into the range, out, back in, a repeat, and two outliers: one decades away, one in 1970.
  const std::vector<int64_t> stamps = {100 * kHourNs,
                                       100 * kHourNs + 10,
                                       100 * kHourNs + 90,
                                       100 * kHourNs + 20,
                                       100 * kHourNs + 20,
                                       INT64_MAX,
                                       0};
  chunk.stamps = signal::Stamps::Exact(stamps);
  chunk.values = Int16Values(1, stamps.size(), [](size_t, size_t i) { return i; });
  const auto rows = scene_.AddSegment(person_, stream, {chunk});
  EXPECT_EQ(rows[0].outlier_stamps, 2);

  TM_ASSERT_OK_AND_ASSIGN(const auto inside,
                          Read(stream, DeviceRange(boot_, 100 * kHourNs + 5, 100 * kHourNs + 50)));
  ASSERT_EQ(inside.size(), 2u);  // one block for each run of neighbours
  EXPECT_EQ(Values(inside), (std::vector<int>{1, 3, 4}));
  EXPECT_EQ(inside[0].first_counter, 1'001u);
  EXPECT_EQ(inside[1].first_counter, 1'003u);

  TM_ASSERT_OK_AND_ASSIGN(const auto all, Read(stream, EverythingRange{}));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].stamps_ns, stamps);
  TM_ASSERT_OK_AND_ASSIGN(const auto in_1970, Read(stream, DeviceRange(boot_, -5, 5)));
  EXPECT_TRUE(in_1970.empty());
}

TEST_F(SignalReaderTest, LongSpansAreFoundFromTheirEnd) {
  const StreamId stream = scene_.Declare(person_, "slow", Int16Channels(1, 0));
  StoredChunk chunk;
  chunk.boot_id = boot_;
  // An hour to the nanosecond: the longest chunk there may be.
  chunk.stamps = signal::Stamps::Exact({0, kHourNs / 2, kHourNs});
  chunk.values = Int16Values(1, 3, [](size_t, size_t i) { return i; });
  scene_.AddSegment(person_, stream, {chunk});
  TM_ASSERT_OK_AND_ASSIGN(const auto end, Read(stream, DeviceRange(boot_, kHourNs, kHourNs + 1)));
  EXPECT_EQ(Values(end), Sequence(2, 3));
}

TEST_F(SignalReaderTest, GivesTheChannelsAskedForInThatOrder) {
  const StreamId stream = scene_.Declare(person_, "xyz", Int16Channels(3, 10));
  StoredChunk chunk = Second(boot_, 0, 0);
  chunk.values = Int16Values(3, 10, [](size_t c, size_t i) { return 100 * c + i; });
  scene_.AddSegment(person_, stream, {chunk});
  TM_ASSERT_OK_AND_ASSIGN(const auto blocks,
                          Read(stream, DeviceRange(boot_, 0, 200'000'000), {"z", "x"}));
  EXPECT_EQ(Values(blocks), (std::vector<int>{200, 201, 0, 1}));
  EXPECT_THAT(Read(stream, EverythingRange{}, {"w"}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("channels: ")));
}

TEST_F(SignalReaderTest, ManyChunksComePageByPageInOrder) {
  const StreamId stream = scene_.Declare(person_, "many", Int16Channels(1, 10));
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  constexpr int kChunks = 1'300;
  std::vector<StoredChunk> segment;
  for (int number = 0; number < kChunks; ++number) {
    segment.push_back(Second(boot_, number, 0));
    // Segments of one and of many chunks.
    if (segment.size() < static_cast<size_t>(1 + (number % 97))) continue;
    scene_.AddSegment(person_, stream, segment);
    segment.clear();
  }
  scene_.AddSegment(person_, stream, segment);
  TM_ASSERT_OK_AND_ASSIGN(const auto by_number, Read(stream, EverythingRange{}));
  TM_ASSERT_OK_AND_ASSIGN(const auto by_time,
                          Read(stream, StudyRange{{kStudyZeroNs, kStudyZeroNs + kHourNs}}));
  ASSERT_EQ(by_number.size(), static_cast<size_t>(kChunks));
  for (int i = 0; i < kChunks; ++i) {
    EXPECT_EQ(by_number[static_cast<size_t>(i)].number, i);
    EXPECT_EQ(by_time[static_cast<size_t>(i)].number, i);
  }
}

TEST_F(SignalReaderTest, LargeChunksComeInSeveralBlocks) {
  const StreamId stream = scene_.Declare(person_, "large", Int16Channels(8, 0));
  StoredChunk chunk;
  chunk.boot_id = boot_;
  chunk.stamps = RegularAt(0, 65'536, 1'000);
  chunk.values = Int16Values(8, 65'536, [](size_t c, size_t i) { return c * 7 + i; });
  scene_.AddSegment(person_, stream, {chunk});
  TM_ASSERT_OK_AND_ASSIGN(const auto blocks, Read(stream, EverythingRange{}));
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[1].first_counter, blocks[0].stamps_ns.size());
  EXPECT_EQ(blocks[0].stamps_ns.size() + blocks[1].stamps_ns.size(), 65'536u);
  EXPECT_EQ(blocks[1].stamps_ns.back(), chunk.stamps.last_ns());
  for (const GivenBlock& block : blocks) {
    EXPECT_LE(block.values.size() + 8 * block.stamps_ns.size(), kBlockBytesMax);
  }
}

TEST_F(SignalReaderTest, BodiesStoredWholeReadTheSame) {
  const StreamId stream = scene_.Declare(person_, "whole", Int16Channels(1, 10));
  StoredChunk whole = Second(boot_, 0, 0);
  whole.form = SlotForm::kBody;
  scene_.AddSegment(person_, stream, {whole, Second(boot_, 1, 0)});
  TM_ASSERT_OK_AND_ASSIGN(const auto blocks, Read(stream, EverythingRange{}));
  EXPECT_EQ(Values(blocks), Sequence(0, 20));
}

TEST_F(SignalReaderTest, EncodedSegmentsComeWithTheirRange) {
  v1::StreamDeclaration declaration;
  declaration.set_modality(v1::MODALITY_ENCODED_AUDIO);
  declaration.set_media_type("audio/aac");
  const StreamId stream = scene_.Declare(person_, "voice", declaration);
  StoredChunk chunk;
  chunk.boot_id = boot_;
  chunk.stamps = signal::Stamps::Exact({kNsPerS, 3 * kNsPerS});
  chunk.encoded = "frames";
  scene_.AddSegment(person_, stream, {chunk});
  TM_ASSERT_OK_AND_ASSIGN(const auto blocks,
                          Read(stream, DeviceRange(boot_, 2 * kNsPerS, 5 * kNsPerS)));
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].encoded, "frames");
  EXPECT_THAT(blocks[0].stamps_ns, ElementsAre(kNsPerS, 3 * kNsPerS));
  EXPECT_THAT(scene_.reader().GetOverview({person_.participant_id, stream, {0, 1}, 1}, kNoDeadline),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(SignalReaderTest, RecordsAreNoSamples) {
  v1::StreamDeclaration declaration;
  declaration.set_modality(v1::MODALITY_RECORDS);
  const StreamId stream = scene_.Declare(person_, "records", declaration);
  EXPECT_THAT(Read(stream, EverythingRange{}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("stream_ids: ")));
}

TEST_F(SignalReaderTest, AForeignParticipantSeesNothing) {
  const StreamId stream = TenSeconds(boot_);
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  const auto stranger = scene_.AddPerson();
  EXPECT_THAT(scene_.reader().OpenSamples(
                  {stranger.participant_id, stream, EverythingRange{}, {}, false}, kNoDeadline),
              StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(
      scene_.reader().GetOverview(
          {stranger.participant_id, stream, {kStudyZeroNs, kStudyZeroNs + 1}, 1}, kNoDeadline),
      StatusIs(StatusCode::kNotFound));
  TM_ASSERT_OK_AND_ASSIGN(
      const auto coverage,
      scene_.reader().GetCoverage({stranger.participant_id, std::nullopt, 1, {}}, kNoDeadline));
  EXPECT_TRUE(coverage.empty());
  const DeviceClock clock{person_.device_id, boot_, 0};
  EXPECT_THAT(scene_.placements().For(stranger.participant_id, std::span(&clock, 1), kNoDeadline),
              support::IsOkAndHolds(testing::ElementsAre(std::nullopt)));
}

TEST_F(SignalReaderTest, ALostKeyReadsAsDamageWithItsCause) {
  const StreamId stream = TenSeconds(boot_);
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  scene_.LoseKeys(person_);
  EXPECT_THAT(Read(stream, StudyRange{{kStudyZeroNs, kStudyZeroNs + kNsPerS}}),
              StatusIs(StatusCode::kDataLoss, HasSubstr("mount or restore the keys")));
  TM_ASSERT_OK_AND_ASSIGN(
      const auto overview,
      scene_.reader().GetOverview(
          {person_.participant_id, stream, {kStudyZeroNs, kStudyZeroNs + kNsPerS}, 10},
          kNoDeadline));
  ASSERT_FALSE(overview.unreadable.empty());
  EXPECT_EQ(overview.unreadable[0].reason, UnreadableReason::kDamaged);
}

TEST_F(SignalReaderTest, DamagedChunksAreNamedAndTheRestIsGiven) {
  const StreamId stream = TenSeconds(boot_);
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  // The segment of chunks 4 and 5.
  Damage("segment_id = (select segment_id from chunk where number = 4 and stream_id = '" +
         stream.ToString() + "')");
  const StudyRange study{{kStudyZeroNs, kStudyZeroNs + 5'500'000'000}};
  EXPECT_THAT(Read(stream, study), StatusIs(StatusCode::kDataLoss, HasSubstr("2 stored chunks")));
  EXPECT_THAT(Numbers(blocks_), ElementsAre(0, 1, 2, 3));
  ASSERT_EQ(unreadable_.size(), 1u);
  EXPECT_EQ(unreadable_[0].reason, UnreadableReason::kDamaged);
  EXPECT_EQ(unreadable_[0].first_number, 4);
  EXPECT_EQ(unreadable_[0].last_number, 5);
  EXPECT_EQ(unreadable_[0].boot_id, boot_);
  EXPECT_EQ(unreadable_[0].device, (signal::TimeRange{4 * kNsPerS, 5'500'000'000}));
  EXPECT_EQ(unreadable_[0].samples, 20);

  EXPECT_THAT(Read(stream, EverythingRange{}), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(Numbers(blocks_), ElementsAre(0, 1, 2, 3, 6, 7, 8, 9));
  for (const size_t width : {size_t{1}, size_t{100}}) {
    TM_ASSERT_OK_AND_ASSIGN(
        const SignalOverview overview,
        scene_.reader().GetOverview(
            {person_.participant_id, stream, {kStudyZeroNs, kStudyZeroNs + 10 * kNsPerS}, width},
            kNoDeadline));
    // Tiles are sealed apart from payloads: only a picture from samples misses them.
    if (!overview.from_samples) continue;
    EXPECT_THAT(overview.unreadable, ElementsAre(UnreadableRange{
                                         {kStudyZeroNs + 4 * kNsPerS, kStudyZeroNs + 5'900'000'001},
                                         UnreadableReason::kDamaged}));
  }
}

TEST_F(SignalReaderTest, ErasedDataIsSeenByEveryRead) {
  const StreamId stream = TenSeconds(boot_);
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  ASSERT_THAT(scene_.keys().DestroyParticipant(person_.participant_id), IsOk());
  const signal::TimeRange range{kStudyZeroNs, kStudyZeroNs + 10 * kNsPerS};
  const UnreadableRange all{{range.begin_ns, range.begin_ns + 9'900'000'001},
                            UnreadableReason::kErased};

  TM_ASSERT_OK_AND_ASSIGN(const auto blocks, Read(stream, StudyRange{range}));
  EXPECT_TRUE(blocks.empty());
  ASSERT_EQ(unreadable_.size(), 1u);
  EXPECT_EQ(unreadable_[0].reason, UnreadableReason::kErased);
  EXPECT_EQ(unreadable_[0].first_number, 0);
  EXPECT_EQ(unreadable_[0].last_number, 9);
  EXPECT_EQ(unreadable_[0].device, (signal::TimeRange{0, 9'900'000'001}));
  EXPECT_EQ(unreadable_[0].samples, 100);

  for (const size_t width : {size_t{1}, size_t{100}}) {
    TM_ASSERT_OK_AND_ASSIGN(
        const SignalOverview overview,
        scene_.reader().GetOverview({person_.participant_id, stream, range, width}, kNoDeadline));
    EXPECT_THAT(overview.overview.gaps, ElementsAre(range));
    EXPECT_THAT(overview.unreadable, ElementsAre(all));
    EXPECT_FALSE(overview.overview.before.has_value());
  }

  TM_ASSERT_OK_AND_ASSIGN(
      const auto coverage,
      scene_.reader().GetCoverage({person_.participant_id, range, kNsPerS, {}}, kNoDeadline));
  ASSERT_EQ(coverage.size(), 1u);
  EXPECT_TRUE(coverage[0].ranges.empty());
  EXPECT_THAT(coverage[0].unreadable, ElementsAre(all));
  EXPECT_EQ(coverage[0].chunks, 10);
  EXPECT_EQ(coverage[0].unreadable_chunks, 10);
}

TEST_F(SignalReaderTest, UnreadableChunksAreToldApartByPauses) {
  const StreamId stream = scene_.Declare(person_, "acc", Int16Channels(1, 10));
  scene_.AddSegment(person_, stream,
                    {Second(boot_, 0, 0), Second(boot_, 1, 0), Second(boot_, 2, 20 * kNsPerS)});
  scene_.AddSegment(person_, stream, {Second(boot_, 4, 20 * kNsPerS)});
  ASSERT_THAT(scene_.keys().DestroyParticipant(person_.participant_id), IsOk());
  ASSERT_THAT(Read(stream, EverythingRange{}), IsOk());
  std::vector<std::pair<int64_t, int64_t>> runs;
  for (const UnreadableChunks& chunks : unreadable_) {
    runs.emplace_back(chunks.first_number, chunks.last_number);
  }
  EXPECT_EQ(runs, (std::vector<std::pair<int64_t, int64_t>>{{0, 1}, {2, 2}, {4, 4}}));
}

TEST_F(SignalReaderTest, EverythingNamesWhatWasSetAside) {
  const StreamId stream = TenSeconds(boot_);
  scene_.database().Execute(fmt::format(
      "insert into stream_state (participant_id, stream_id, writer_id, study_id, device_id,"
      " quarantined, last_receipt_at) values ('{}', '{}', '{}', '{}', '{}', '{{[12,14),[20,21)}}',"
      " now())",
      person_.participant_id.ToString(), stream.ToString(), scene_.writer_.ToString(),
      person_.study_id.ToString(), person_.device_id.ToString()));
  TM_ASSERT_OK_AND_ASSIGN(const auto blocks, Read(stream, EverythingRange{}));
  EXPECT_EQ(blocks.size(), 10u);
  ASSERT_EQ(unreadable_.size(), 2u);
  EXPECT_EQ(unreadable_[0].reason, UnreadableReason::kQuarantined);
  EXPECT_EQ(unreadable_[0].first_number, 12);
  EXPECT_EQ(unreadable_[0].last_number, 13);
  EXPECT_EQ(unreadable_[1].first_number, 20);
  ASSERT_THAT(Read(stream, DeviceRange(boot_, 0, kNsPerS)), IsOk());
  EXPECT_TRUE(unreadable_.empty());
}

TEST_F(SignalReaderTest, ABootThatWasCutIsRefusedByStudyTime) {
  const BootId whole = BootId::MakeRandom();
  const StreamId stream = TenSeconds(boot_);
  const StreamId other = TenSeconds(whole);
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  scene_.AddClockPair(person_, whole, 0, kStudyZeroNs);
  scene_.database().Execute(
      fmt::format("insert into epoch values ('{0}', '{1}', '{2}', 0, 0, '{3}'),"
                  " ('{0}', '{1}', '{2}', 0, 1, '{3}')",
                  person_.participant_id.ToString(), person_.device_id.ToString(), boot_.ToString(),
                  person_.study_id.ToString()));
  const signal::TimeRange range{kStudyZeroNs, kStudyZeroNs + kNsPerS};
  EXPECT_THAT(Read(stream, StudyRange{range}), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(scene_.reader().GetOverview({person_.participant_id, stream, range, 10}, kNoDeadline),
              StatusIs(StatusCode::kFailedPrecondition));
  // By device time it reads as ever, and has no place on study time.
  TM_ASSERT_OK_AND_ASSIGN(const auto blocks, Read(stream, DeviceRange(boot_, 0, kNsPerS)));
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_FALSE(blocks[0].placed);
  // Streams without chunks of that boot are not touched.
  EXPECT_THAT(Read(other, StudyRange{range}), IsOk());
  TM_ASSERT_OK_AND_ASSIGN(
      const auto coverage,
      scene_.reader().GetCoverage({person_.participant_id, range, kNsPerS, {stream}}, kNoDeadline));
  ASSERT_EQ(coverage.size(), 1u);
  EXPECT_EQ(coverage[0].unplaced_chunks, 10);
}

TEST_F(SignalReaderTest, ARowSwappedToAnotherSegmentDoesNotOpen) {
  const StreamId stream = TenSeconds(boot_);
  scene_.database().Execute(fmt::format(
      "update segment set payload = (select payload from segment where participant_id = '{0}'"
      " order by segment_id limit 1) where participant_id = '{0}'",
      person_.participant_id.ToString()));
  EXPECT_THAT(Read(stream, EverythingRange{}), StatusIs(StatusCode::kDataLoss));
}

TEST_F(SignalReaderTest, AMissingSegmentIsDataLoss) {
  const StreamId stream = TenSeconds(boot_);
  scene_.database().Execute("delete from segment where participant_id = '" +
                            person_.participant_id.ToString() + "'");
  EXPECT_THAT(Read(stream, EverythingRange{}), StatusIs(StatusCode::kDataLoss));
}

TEST_F(SignalReaderTest, TheVisitorEndsTheRead) {
  const StreamId stream = TenSeconds(boot_);
  int calls = 0;
  const auto no_unreadable = [](const UnreadablePiece&) { return absl::OkStatus(); };
  EXPECT_THAT(ReadAll({person_.participant_id, stream, EverythingRange{}, {}, false},
                      {.block =
                           [&](const ReadBlock&) {
                             return ++calls == 3 ? absl::CancelledError("enough")
                                                 : absl::OkStatus();
                           },
                       .unreadable = no_unreadable}),
              StatusIs(StatusCode::kCancelled));
  EXPECT_EQ(calls, 3);
}

TEST_F(SignalReaderTest, AnExpiredDeadlineIsAnError) {
  const StreamId stream = TenSeconds(boot_);
  EXPECT_THAT(
      scene_.reader().OpenSamples({person_.participant_id, stream, EverythingRange{}, {}, false},
                                  absl::InfinitePast()),
      StatusIs(StatusCode::kDeadlineExceeded));
}

TEST_F(SignalReaderTest, VerifyRebuildsAndComparesEveryBody) {
  const StreamId stream = scene_.Declare(person_, "verify", Int16Channels(1, 10));
  StoredChunk whole = Second(boot_, 1, 0);
  whole.form = SlotForm::kBody;
  const auto rows =
      scene_.AddSegment(person_, stream, {Second(boot_, 0, 0), whole, Second(boot_, 2, 0)});
  // Verified a chunk a page; which ones are at fault, and why.
  using Faults = std::map<int64_t, UnreadableReason>;
  int64_t intact = 0;
  const auto faults = [&] {
    Faults found;
    intact = 0;
    VerifyQuery query{person_.participant_id, {stream}, std::nullopt, 1};
    for (int pages = 0; pages < 10; ++pages) {
      const auto page = scene_.reader().VerifyStored(query, kNoDeadline);
      EXPECT_THAT(page, IsOk());
      intact += page->intact_chunks;
      for (const StoredFault& fault : page->faults) {
        EXPECT_EQ(fault.sha256[1], rows[static_cast<size_t>(fault.number)].sha256[1]);
        found[fault.number] = fault.reason;
      }
      if (!page->last) return found;
      query.after = page->last;
    }
    ADD_FAILURE() << "does not end";
    return found;
  };
  EXPECT_EQ(faults(), Faults());
  EXPECT_EQ(intact, 3);
  scene_.database().Execute(
      "update chunk set sha256 = set_byte(sha256, 0, get_byte(sha256, 0) # 1) where number = 1;"
      "update chunk set first_counter = first_counter + 1 where number = 2");
  EXPECT_EQ(faults(), (Faults{{1, UnreadableReason::kDamaged}, {2, UnreadableReason::kDamaged}}));
  EXPECT_EQ(intact, 1);
  ASSERT_THAT(scene_.keys().DestroyParticipant(person_.participant_id), IsOk());
  EXPECT_EQ(faults(), (Faults{{0, UnreadableReason::kErased},
                              {1, UnreadableReason::kErased},
                              {2, UnreadableReason::kErased}}));
}

TEST_F(SignalReaderTest, VerifyGoesThroughAllStreamsAPageAtATime) {
  const StreamId first = TenSeconds(boot_);
  const StreamId second = TenSeconds(BootId::MakeRandom());
  int64_t intact = 0;
  int pages = 1;
  VerifyQuery query{person_.participant_id, {}, std::nullopt, 7};
  for (;; ++pages) {
    TM_ASSERT_OK_AND_ASSIGN(const VerifiedPage page,
                            scene_.reader().VerifyStored(query, kNoDeadline));
    EXPECT_LE(page.intact_chunks, 7);
    intact += page.intact_chunks;
    if (!page.last) break;
    query.after = page.last;
  }
  EXPECT_EQ(intact, 20);
  EXPECT_EQ(pages, 3);
  query = {person_.participant_id, {std::max(first, second)}, std::nullopt, 100};
  TM_ASSERT_OK_AND_ASSIGN(const VerifiedPage page,
                          scene_.reader().VerifyStored(query, kNoDeadline));
  EXPECT_EQ(page.intact_chunks, 10);
  query.stream_ids = {StreamId::MakeV7()};
  EXPECT_THAT(scene_.reader().VerifyStored(query, kNoDeadline), StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace tidemark::store
