#include "core/signal/stamps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "core/signal/int128.h"
#include "tests/core/signal/signal_samples.h"
#include "tests/support/status_matchers.h"

namespace tidemark::signal {
namespace {

using support::StatusIs;
constexpr int64_t kStampMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kStampMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kSecond = 1'000'000'000;

int64_t AnyStamp(Random& random) {
  const int64_t odd[] = {kStampMin, kStampMin + 1, -1, 0, 1, kStampMax - 1, kStampMax};
  switch (Below(random, 3)) {
    case 0:
      return odd[Below(random, std::size(odd))];
    case 1:
      return static_cast<int64_t>(random());
    default:
      return 1'657'544'371 * kSecond + static_cast<int64_t>(Below(random, 1'000'000));
  }
}

Stamps RandomRegular(Random& random) {
  const size_t count = 1 + Below(random, 200);
  const int64_t first = AnyStamp(random);
  return *Stamps::Regular(first, count == 1 ? first : AnyStamp(random), count);
}

TEST(StampsTest, RegularFollowsTheFormula) {
  Random random(1);
  for (int round = 0; round < 3000; ++round) {
    const Stamps stamps = RandomRegular(random);
    const std::vector<int64_t> all = stamps.ToVector();
    ASSERT_EQ(all.size(), stamps.size());
    for (size_t i = 0; i < all.size(); ++i) {
      const Int128 span = Int128{stamps.last_ns()} - stamps.first_ns();
      const Int128 offset =
          i == 0 ? 0
                 : FloorDivide(static_cast<Int128>(i) * span, static_cast<Int128>(all.size() - 1));
      const auto expected = static_cast<int64_t>(stamps.first_ns() + offset);
      ASSERT_EQ(all[i], expected);
      ASSERT_EQ(stamps[i], expected);
    }
    EXPECT_EQ(all.back(), stamps.last_ns());
  }
}

TEST(StampsTest, RegularNeedsSamplesAndTwoEqualEndsForOne) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(Stamps::Regular(0, 0, 0), StatusIs(kInvalid));
  EXPECT_THAT(Stamps::Regular(0, 1, 1), StatusIs(kInvalid));
  EXPECT_TRUE(Stamps::Regular(5, 5, 1).ok());
}

TEST(StampsTest, ExactKeepsTheStamps) {
  const Stamps stamps = Stamps::Exact({3, kStampMin, kStampMax});
  EXPECT_FALSE(stamps.is_regular());
  EXPECT_EQ(stamps.first_ns(), 3);
  EXPECT_EQ(stamps.last_ns(), kStampMax);
  EXPECT_EQ(stamps[1], kStampMin);
  EXPECT_EQ(Stamps::Exact({}).size(), 0u);
  EXPECT_EQ(Stamps::Exact({}), Stamps());
}

// The definition, word for word.
StampSurvey NaiveSurvey(const std::vector<int64_t>& stamps) {
  std::vector<int64_t> sorted = stamps;
  std::sort(sorted.begin(), sorted.end());
  const int64_t median = sorted[(sorted.size() - 1) / 2];
  StampSurvey survey{.t_min_ns = median, .t_max_ns = median};
  for (size_t i = 0; i < stamps.size(); ++i) {
    const Int128 distance = Int128{stamps[i]} - median;
    if (distance > kPlausibleHalfSpanNs || distance < -kPlausibleHalfSpanNs) {
      ++survey.outliers;
    } else {
      survey.t_min_ns = std::min(survey.t_min_ns, stamps[i]);
      survey.t_max_ns = std::max(survey.t_max_ns, stamps[i]);
    }
    if (i == 0) continue;
    survey.has_backward_step |= stamps[i] < stamps[i - 1];
    survey.has_repeat |= stamps[i] == stamps[i - 1];
  }
  return survey;
}

void ExpectSurvey(const Stamps& stamps) {
  const StampSurvey survey = SurveyStamps(stamps);
  const StampSurvey naive = NaiveSurvey(stamps.ToVector());
  ASSERT_EQ(survey.t_min_ns, naive.t_min_ns);
  ASSERT_EQ(survey.t_max_ns, naive.t_max_ns);
  ASSERT_EQ(survey.outliers, naive.outliers);
  ASSERT_EQ(survey.has_backward_step, naive.has_backward_step);
  ASSERT_EQ(survey.has_repeat, naive.has_repeat);
}

TEST(StampsTest, SurveysRegularStamps) {
  Random random(2);
  for (int round = 0; round < 3000; ++round) {
    ExpectSurvey(RandomRegular(random));
    // Spans about as long as the plausible ones, and about as many nanoseconds as samples.
    const size_t count = 2 + Below(random, 100);
    const int64_t span = static_cast<int64_t>(
        Below(random, Below(random, 2) ? 2 * count : 3 * uint64_t{kPlausibleHalfSpanNs}));
    const int64_t first = static_cast<int64_t>(random()) / 2;
    ExpectSurvey(*Stamps::Regular(first, Below(random, 2) ? first + span : first - span, count));
  }
}

TEST(StampsTest, SurveysExactStamps) {
  Random random(3);
  for (int round = 0; round < 3000; ++round) {
    std::vector<int64_t> stamps(1 + Below(random, 40));
    for (int64_t& stamp : stamps) {
      stamp = Below(random, 4) ? static_cast<int64_t>(Below(random, 4'000 * uint64_t{kSecond}))
                               : AnyStamp(random);
    }
    if (stamps.size() > 2 && Below(random, 2)) stamps[1] = stamps[0];
    ExpectSurvey(Stamps::Exact(stamps));
  }
}

TEST(StampsTest, OneBadStampIsOneOutlier) {
  std::vector<int64_t> stamps;
  for (int64_t i = 0; i < 100; ++i) stamps.push_back(1'700'000'000 * kSecond + i * 10'000'000);
  stamps[50] = 0;
  const StampSurvey survey = SurveyStamps(Stamps::Exact(stamps));
  EXPECT_EQ(survey.outliers, 1u);
  EXPECT_EQ(survey.t_min_ns, stamps.front());
  EXPECT_EQ(survey.t_max_ns, stamps.back());
  EXPECT_TRUE(survey.has_backward_step);
}

size_t CodedBytesOf(const Stamps& stamps) {
  const std::string encoded = EncodeStamps(stamps);
  const std::string followed = encoded + "tail";
  std::string_view rest = followed;
  const auto decoded = DecodeStamps(rest, stamps.size());
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  if (decoded.ok()) {
    EXPECT_EQ(*decoded, stamps);
  }
  EXPECT_EQ(rest, "tail");
  return encoded.size();
}

TEST(StampsCodecTest, RegularStampsTakeAFewBytes) {
  Random random(4);
  for (int round = 0; round < 2000; ++round) EXPECT_LE(CodedBytesOf(RandomRegular(random)), 24u);
}

TEST(StampsCodecTest, KeepsAnyStamps) {
  Random random(5);
  CodedBytesOf(Stamps());
  for (int round = 0; round < 2000; ++round) {
    std::vector<int64_t> stamps(1 + Below(random, 400));
    const int64_t tick = static_cast<int64_t>(std::pow(10, Below(random, 11)));
    const uint64_t jitter = uint64_t{1} << Below(random, 20);
    int64_t k = static_cast<int64_t>(Below(random, 2'000'000));
    for (int64_t& stamp : stamps) {
      k += static_cast<int64_t>(Below(random, jitter)) - static_cast<int64_t>(jitter / 4);
      stamp = Below(random, 60) || round % 2 ? k * tick + 7 : AnyStamp(random);
    }
    CodedBytesOf(Stamps::Exact(stamps));
  }
  CodedBytesOf(Stamps::Exact({kStampMin, kStampMax, kStampMin, kStampMax, 0, kStampMin}));
  CodedBytesOf(Stamps::Exact({kStampMin}));
  CodedBytesOf(Stamps::Exact({kStampMin, kStampMin + 1000}));
  CodedBytesOf(Stamps::Exact(std::vector<int64_t>(1000, 42)));
}

TEST(StampsCodecTest, RefusesMoreThanAllowed) {
  for (const Stamps& stamps :
       {*Stamps::Regular(0, 99, 100), Stamps::Exact(std::vector<int64_t>(100, 3))}) {
    const std::string encoded = EncodeStamps(stamps);
    std::string_view bytes = encoded;
    EXPECT_THAT(DecodeStamps(bytes, 99), StatusIs(absl::StatusCode::kDataLoss));
  }
}

TEST(StampsCodecTest, SurvivesHostileBytes) {
  Random random(6);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<int64_t> exact(1 + Below(random, 50));
    for (int64_t& stamp : exact) stamp = static_cast<int64_t>(Below(random, 1000)) * 1'000'000;
    const std::string hostile = Damage(
        EncodeStamps(Below(random, 4) ? Stamps::Exact(exact) : RandomRegular(random)), random);
    std::string_view bytes = hostile;
    const auto decoded = DecodeStamps(bytes, 1000);
    if (decoded.ok()) {
      EXPECT_LE(decoded->size(), 1000u);
    } else {
      EXPECT_THAT(decoded, StatusIs(absl::StatusCode::kDataLoss));
    }
  }
}

TEST(StampsCodecTest, RealStampsAreSmall) {
  const auto data = RealData();
  if (data.empty()) GTEST_SKIP() << "no real recordings beside the project (../shared/data)";
  for (const std::string device : {"sw", "sp"}) {
    size_t bytes = 0;
    size_t count = 0;
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(data / "watch-phone-tug")) {
      if (!file.path().stem().string().ends_with("_" + device)) continue;
      const auto columns = ReadColumns(file.path(), 1);
      std::vector<int64_t> stamps;
      for (const double ms : columns[6]) {
        stamps.push_back(static_cast<int64_t>(ms) * 1'000'000);
      }
      bytes += CodedBytesOf(Stamps::Exact(stamps));
      count += stamps.size();
    }
    const double per_stamp = static_cast<double>(bytes) / static_cast<double>(count);
    std::cout << device << ": " << per_stamp << " bytes per millisecond stamp\n";
    EXPECT_LT(per_stamp, 0.8);
  }
}

}  // namespace
}  // namespace tidemark::signal
