#include <cmath>
#include <limits>
#include <random>

#include "core/signal/int128.h"
#include "store/signal_reader.h"
#include "tests/store/signal_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::store {
namespace {

using support::IsOk;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

struct PlacedSample {
  int64_t study_ns;
  std::vector<double> values;  // physical
};

// What every column must show, by a loop over all samples.
struct Truth {
  std::vector<uint64_t> counts;
  std::vector<double> min, max;  // of the first channel; NaN in empty columns
};

Truth ByBruteForce(const std::vector<PlacedSample>& samples, const signal::TimeRange& range,
                   size_t width) {
  Truth truth{std::vector<uint64_t>(width), std::vector<double>(width, kNothing),
              std::vector<double>(width, kNothing)};
  for (const PlacedSample& sample : samples) {
    if (sample.study_ns < range.begin_ns || sample.study_ns >= range.end_ns) continue;
    const auto offset = static_cast<signal::UInt128>(sample.study_ns - range.begin_ns);
    const auto column = static_cast<size_t>(
        offset * width / static_cast<signal::UInt128>(range.end_ns - range.begin_ns));
    ++truth.counts[column];
    truth.min[column] = std::fmin(truth.min[column], sample.values[0]);
    truth.max[column] = std::fmax(truth.max[column], sample.values[0]);
  }
  return truth;
}

class SignalOverviewTest : public testing::Test {
 protected:
  // Noise with rare spikes at 100 Hz in chunks of random length, with a gap now and then; scaled by
  // a negative number.
  StreamId NoisyStream(int chunks) {
    constexpr double kScale = -0.25;
    constexpr double kOffset = 3;
    const StreamId stream =
        scene_.Declare(person_, "noise", Int16Channels(2, 100, kScale, kOffset));
    int64_t t_ns = 0;
    std::vector<StoredChunk> segment;
    for (int number = 0; number < chunks; ++number) {
      if (number % 13 == 7) t_ns += 9 * kNsPerS;
      StoredChunk chunk;
      chunk.number = number;
      chunk.boot_id = boot_;
      const size_t count = 50 + random_() % 700;
      chunk.stamps = RegularAt(t_ns, count, 100);
      chunk.values = Int16Values(2, count, [&](size_t, size_t) {
        return random_() % 500 == 0 ? 30'000 - static_cast<int>(random_() % 2) * 60'000
                                    : static_cast<int>(random_() % 200) - 100;
      });
      for (size_t i = 0; i < count; ++i) {
        const char* const raw = chunk.values.data() + 2 * i;
        samples_.push_back({kStudyZeroNs + chunk.stamps[i],
                            {LoadLe<int16_t>(raw) * kScale + kOffset,
                             LoadLe<int16_t>(raw + 2 * count) * kScale + kOffset}});
      }
      t_ns = chunk.stamps.last_ns() + 10'000'000;
      segment.push_back(std::move(chunk));
      if (segment.size() < 5) continue;
      scene_.AddSegment(person_, stream, segment);
      segment.clear();
    }
    if (!segment.empty()) scene_.AddSegment(person_, stream, segment);
    scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
    return stream;
  }
  absl::StatusOr<SignalOverview> Overview(StreamId stream, int64_t begin_ns, int64_t end_ns,
                                          size_t width) {
    return scene_.reader().GetOverview(
        {person_.participant_id, stream, {kStudyZeroNs + begin_ns, kStudyZeroNs + end_ns}, width},
        kNoDeadline);
  }

  std::mt19937 random_{5};
  SignalScene scene_;
  const SignalScene::Person person_ = scene_.AddPerson();
  const BootId boot_ = BootId::MakeRandom();
  std::vector<PlacedSample> samples_;
};

TEST_F(SignalOverviewTest, FromSamplesItIsExact) {
  const StreamId stream = NoisyStream(60);
  const int64_t total_ns = samples_.back().study_ns - kStudyZeroNs;
  for (const auto& [begin_ns, end_ns, width] :
       {std::tuple{int64_t{0}, int64_t{1'000'000'001}, size_t{333}},
        std::tuple{total_ns / 3, total_ns / 3 + 20 * kNsPerS, size_t{1'000}},
        std::tuple{total_ns - 5 * kNsPerS, total_ns + 5 * kNsPerS, size_t{16'384}}}) {
    TM_ASSERT_OK_AND_ASSIGN(const SignalOverview given, Overview(stream, begin_ns, end_ns, width));
    EXPECT_TRUE(given.from_samples);
    const signal::TimeRange range{kStudyZeroNs + begin_ns, kStudyZeroNs + end_ns};
    const Truth truth = ByBruteForce(samples_, range, width);
    for (size_t c = 0; c < width; ++c) {
      const signal::Column& column = given.overview.columns[c];
      ASSERT_EQ(column.samples, truth.counts[c]) << "column " << c;
      if (truth.counts[c] == 0) continue;
      EXPECT_EQ(column.channels[0].min, truth.min[c]);
      EXPECT_EQ(column.channels[0].max, truth.max[c]);
    }
  }
}

TEST_F(SignalOverviewTest, FromTilesNoSpikeVanishesAndNoneIsInvented) {
  const StreamId stream = NoisyStream(120);
  const int64_t total_ns = samples_.back().study_ns - kStudyZeroNs + 1;
  for (const size_t width : {size_t{1}, size_t{10}, size_t{97}}) {
    TM_ASSERT_OK_AND_ASSIGN(const SignalOverview given, Overview(stream, 0, total_ns, width));
    EXPECT_FALSE(given.from_samples);
    const signal::TimeRange range{kStudyZeroNs, kStudyZeroNs + total_ns};
    const Truth truth = ByBruteForce(samples_, range, width);
    for (size_t c = 0; c < width; ++c) {
      if (truth.counts[c] == 0) continue;
      const signal::Extremes& shown = given.overview.columns[c].channels[0];
      EXPECT_GE(given.overview.columns[c].samples, truth.counts[c]);
      EXPECT_LE(shown.min, truth.min[c]);
      EXPECT_GE(shown.max, truth.max[c]);
      // At most the neighbours' spikes reach in.
      const size_t first = c == 0 ? 0 : c - 1;
      const size_t last = std::min(c + 1, width - 1);
      double near_min = truth.min[c], near_max = truth.max[c];
      for (size_t near = first; near <= last; ++near) {
        near_min = std::fmin(near_min, truth.min[near]);
        near_max = std::fmax(near_max, truth.max[near]);
      }
      EXPECT_GE(shown.min, near_min);
      EXPECT_LE(shown.max, near_max);
    }
  }
}

TEST_F(SignalOverviewTest, ShowsTheSamplesBesideTheRange) {
  const StreamId stream = NoisyStream(60);
  for (const auto& [begin_at, end_at, width] :
       {std::tuple{size_t{1'234}, size_t{1'300}, size_t{500}},
        std::tuple{size_t{2'000}, samples_.size() - 2'000, size_t{5}}}) {
    const signal::TimeRange range{samples_[begin_at].study_ns, samples_[end_at].study_ns};
    TM_ASSERT_OK_AND_ASSIGN(
        const SignalOverview given,
        scene_.reader().GetOverview({person_.participant_id, stream, range, width}, kNoDeadline));
    ASSERT_TRUE(given.overview.before && given.overview.after);
    EXPECT_EQ(given.overview.before->t_ns, samples_[begin_at - 1].study_ns);
    EXPECT_EQ(given.overview.before->values, samples_[begin_at - 1].values);
    EXPECT_EQ(given.overview.after->t_ns, samples_[end_at].study_ns);
    EXPECT_EQ(given.overview.after->values, samples_[end_at].values);
  }
}

TEST_F(SignalOverviewTest, NeighboursAreFoundWithinAnHourOnly) {
  const StreamId stream = NoisyStream(3);
  const int64_t end_ns = samples_.back().study_ns - kStudyZeroNs;
  TM_ASSERT_OK_AND_ASSIGN(const SignalOverview near,
                          Overview(stream, end_ns + 3'000 * kNsPerS, end_ns + 3'001 * kNsPerS, 9));
  ASSERT_TRUE(near.overview.before.has_value());
  EXPECT_EQ(near.overview.before->t_ns, samples_.back().study_ns);
  EXPECT_FALSE(near.overview.after.has_value());
  EXPECT_THAT(near.overview.gaps,
              ElementsAre(signal::TimeRange{kStudyZeroNs + end_ns + 3'000 * kNsPerS,
                                            kStudyZeroNs + end_ns + 3'001 * kNsPerS}));
  TM_ASSERT_OK_AND_ASSIGN(const SignalOverview far,
                          Overview(stream, end_ns + 3'700 * kNsPerS, end_ns + 3'701 * kNsPerS, 9));
  EXPECT_FALSE(far.overview.before.has_value());
}

TEST_F(SignalOverviewTest, NamesGapsAtEveryZoom) {
  const StreamId stream = scene_.Declare(person_, "gaps", Int16Channels(1, 100));
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  std::vector<StoredChunk> chunks;
  for (const int64_t begin_s : {10, 30, 70}) {
    StoredChunk chunk;
    chunk.number = begin_s;
    chunk.boot_id = boot_;
    chunk.stamps = RegularAt(begin_s * kNsPerS, 1'000, 100);
    chunk.values = Int16Values(1, 1'000, [](size_t, size_t i) { return i; });
    chunks.push_back(chunk);
  }
  scene_.AddSegment(person_, stream, chunks);
  const auto at = [](int64_t ns) { return kStudyZeroNs + ns; };
  const int64_t kStepNs = 10'000'000;
  const std::vector<signal::TimeRange> gaps = {{at(0), at(10 * kNsPerS)},
                                               {at(20 * kNsPerS - kStepNs + 1), at(30 * kNsPerS)},
                                               {at(40 * kNsPerS - kStepNs + 1), at(70 * kNsPerS)},
                                               {at(80 * kNsPerS - kStepNs + 1), at(100 * kNsPerS)}};
  TM_ASSERT_OK_AND_ASSIGN(const SignalOverview tiles, Overview(stream, 0, 100 * kNsPerS, 20));
  TM_ASSERT_OK_AND_ASSIGN(const SignalOverview exact, Overview(stream, 0, 100 * kNsPerS, 2'000));
  EXPECT_FALSE(tiles.from_samples);
  EXPECT_TRUE(exact.from_samples);
  EXPECT_EQ(tiles.overview.gaps, gaps);
  EXPECT_EQ(exact.overview.gaps, gaps);
}

TEST_F(SignalOverviewTest, JoinsBootsAndNamesTheirPlacements) {
  const StreamId stream = NoisyStream(10);
  const int64_t end_ns = samples_.back().study_ns - kStudyZeroNs;
  const BootId later = BootId::MakeRandom();
  StoredChunk chunk;
  chunk.number = 1'000;
  chunk.boot_id = later;
  chunk.stamps = RegularAt(0, 1'000, 100);
  chunk.values = Int16Values(2, 1'000, [](size_t, size_t) { return -30'000; });
  scene_.AddSegment(person_, stream, {chunk});
  scene_.AddClockPair(person_, later, 0, kStudyZeroNs + end_ns + 60 * kNsPerS);
  scene_.AddClockPair(person_, BootId::MakeRandom(), 0, kStudyZeroNs);  // a boot without chunks
  TM_ASSERT_OK_AND_ASSIGN(const SignalOverview given,
                          Overview(stream, 0, end_ns + 100 * kNsPerS, 10));
  ASSERT_EQ(given.placements.size(), 2u);
  EXPECT_EQ(given.placements[0].boot_id, boot_);
  EXPECT_EQ(given.placements[1].boot_id, later);
  EXPECT_FALSE(given.placements[0].sigma_ns.has_value());
  uint64_t total = 0;
  double max = 0;
  for (const signal::Column& column : given.overview.columns) {
    total += column.samples;
    max = std::max(max, column.channels[0].max);
  }
  EXPECT_GE(total, samples_.size() + 1'000);
  EXPECT_EQ(max, -30'000 * -0.25 + 3);
}

TEST_F(SignalOverviewTest, OlderVersionsShowWhatTheyShareWithTheNewest) {
  const StreamId stream = scene_.Declare(person_, "versions", Int16Channels(2, 100));
  scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs);
  StoredChunk chunk;
  chunk.boot_id = boot_;
  chunk.stamps = RegularAt(0, 100, 100);
  chunk.values = Int16Values(2, 100, [](size_t c, size_t) { return 10 + c; });
  scene_.AddSegment(person_, stream, {chunk});
  v1::StreamDeclaration second = Int16Channels(3, 100, 2);
  second.mutable_channels(1)->set_unit("[g]");  // not the same "y" any more
  scene_.DeclareVersion(person_, stream, 2, second);
  chunk.number = 1;
  chunk.stamps = RegularAt(kNsPerS, 100, 100);
  chunk.values = Int16Values(3, 100, [](size_t c, size_t) { return 20 + c; });
  scene_.AddSegment(person_, stream, {chunk}, /*version=*/2);
  for (const size_t width : {size_t{2}, size_t{200}}) {
    TM_ASSERT_OK_AND_ASSIGN(const SignalOverview given, Overview(stream, 0, 2 * kNsPerS, width));
    const std::vector<signal::Column>& columns = given.overview.columns;
    EXPECT_EQ(columns.front().channels[0].max, 10);
    EXPECT_EQ(columns.front().channels[1].finite, 0u);
    EXPECT_EQ(columns.front().channels[2].finite, 0u);
    EXPECT_EQ(columns.back().channels[0].max, 40);
    EXPECT_EQ(columns.back().channels[1].max, 42);
  }
}

TEST_F(SignalOverviewTest, AnEmptyRangeIsOneGap) {
  const StreamId stream = scene_.Declare(person_, "empty", Int16Channels(1, 100));
  TM_ASSERT_OK_AND_ASSIGN(const SignalOverview given, Overview(stream, 0, kNsPerS, 4));
  EXPECT_THAT(given.overview.gaps,
              ElementsAre(signal::TimeRange{kStudyZeroNs, kStudyZeroNs + kNsPerS}));
  EXPECT_THAT(given.placements, IsEmpty());
  EXPECT_EQ(given.overview.columns.size(), 4u);
}

}  // namespace
}  // namespace tidemark::store
