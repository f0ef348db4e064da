#include "core/signal/disguise.h"

#include <gtest/gtest.h>

#include <iostream>

#include "tests/core/signal/signal_samples.h"

namespace tidemark::signal {
namespace {

template <class Float>
std::optional<Unmasked<Float>> UnmaskAll(const std::vector<Float>& values) {
  return Unmask<Float>(reinterpret_cast<const char*>(values.data()), values.size());
}

// Every value comes back bit for bit from the formula or the exceptional runs.
template <class Float>
void ExpectRestores(const Unmasked<Float>& unmasked, const std::vector<Float>& values) {
  std::vector<Float> restored;
  for (const int32_t k : unmasked.integers)
    restored.push_back(unmasked.formula.template Apply<Float>(k));
  for (const auto& run : unmasked.exceptional) {
    for (size_t i = 0; i < run.count; ++i) restored[run.begin + i] = run.value;
  }
  EXPECT_EQ(BytesFrom(restored), BytesFrom(values));
}

TEST(DisguiseTest, FindsAnyScaleThatWasRoundedToFloat) {
  Random random(1);
  for (int round = 0; round < 400; ++round) {
    const double scale = std::exp2(static_cast<double>(Below(random, 4000)) / 200 - 18);
    const double used = Below(random, 2) ? double{static_cast<float>(scale)} : scale;
    const int64_t span = int64_t{1} << (6 + Below(random, 9));
    std::vector<float> values;
    int64_t k = static_cast<int64_t>(Below(random, static_cast<uint64_t>(span)));
    for (int i = 0; i < 1000; ++i) {
      k += static_cast<int64_t>(Below(random, 41)) - 20;
      values.push_back(static_cast<float>(static_cast<double>(k) * used));
    }
    const auto unmasked = UnmaskAll(values);
    ASSERT_TRUE(unmasked) << "scale " << used << " round " << round;
    EXPECT_TRUE(unmasked->exceptional.empty());
    ExpectRestores(*unmasked, values);
  }
}

TEST(DisguiseTest, FindsDecimals) {
  Random random(2);
  for (int decimals = 0; decimals <= 6; ++decimals) {
    const double power = std::pow(10, decimals);
    std::vector<double> values;
    for (int i = 0; i < 500; ++i) {
      values.push_back((static_cast<double>(Below(random, 200'001)) - 100'000) / power);
    }
    const auto unmasked = UnmaskAll(values);
    ASSERT_TRUE(unmasked) << decimals << " decimals";
    EXPECT_EQ(unmasked->formula.operation, Operation::kOver);
    EXPECT_EQ(unmasked->formula.factor, power);
    EXPECT_TRUE(unmasked->exceptional.empty());
    ExpectRestores(*unmasked, values);
  }
}

TEST(DisguiseTest, SetsHolesApart) {
  Random random(3);
  std::vector<float> values;
  for (int i = 0; i < 2000; ++i) {
    values.push_back(static_cast<float>(static_cast<double>(Below(random, 4000)) * 0.00239));
  }
  for (size_t i = 100; i < 400; ++i) values[i] = std::numeric_limits<float>::quiet_NaN();
  values[700] = -0.0F;
  values[701] = std::numeric_limits<float>::infinity();
  values[1999] = std::bit_cast<float>(0x7FC12345u);
  const auto unmasked = UnmaskAll(values);
  ASSERT_TRUE(unmasked);
  EXPECT_EQ(unmasked->exceptional.size(), 4u);
  EXPECT_EQ(unmasked->exceptional[0].count, 300u);
  ExpectRestores(*unmasked, values);
}

TEST(DisguiseTest, LeavesTrueFloatsAlone) {
  Random random(4);
  for (int round = 0; round < 50; ++round) {
    std::vector<float> single;
    std::vector<double> wide;
    for (int i = 0; i < 500; ++i) {
      const double value = std::sin(static_cast<double>(random() >> 11)) * 10;
      single.push_back(static_cast<float>(value));
      wide.push_back(value);
    }
    EXPECT_FALSE(UnmaskAll(single));
    EXPECT_FALSE(UnmaskAll(wide));
  }
}

TEST(DisguiseTest, RestoresWhateverItFinds) {
  Random random(5);
  for (const Shape shape : kShapes) {
    for (int round = 0; round < 100; ++round) {
      const std::string bytes = MakeNumbers<float>(shape, Below(random, 400), random);
      std::vector<float> values(bytes.size() / 4);
      if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
      if (const auto unmasked = UnmaskAll(values)) ExpectRestores(*unmasked, values);
    }
  }
}

TEST(DisguiseTest, FindsEveryRealMotionSensor) {
  const auto data = RealData();
  if (data.empty()) GTEST_SKIP() << "no real recordings beside the project (../shared/data)";
  size_t values_total = 0;
  size_t found = 0;
  int64_t k_max = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(data / "watch-phone-tug")) {
    const std::string stem = file.path().stem().string();
    if (!stem.ends_with("_sw") && !stem.ends_with("_sp")) continue;
    const auto columns = ReadColumns(file.path(), 1);
    for (size_t c = 0; c < 6; ++c) {
      const std::vector<float> values(columns[c].begin(), columns[c].end());
      values_total += values.size();
      const auto unmasked = UnmaskAll(values);
      if (!unmasked) {
        ADD_FAILURE() << file.path() << " column " << c << " was not recognised";
        continue;
      }
      ExpectRestores(*unmasked, values);
      found += values.size();
      for (const auto& run : unmasked->exceptional) found -= run.count;
      for (const int32_t k : unmasked->integers) k_max = std::max<int64_t>(k_max, std::abs(k));
    }
  }
  std::cout << "integers in disguise: " << found << " of " << values_total << ", largest " << k_max
            << "\n";
  EXPECT_GT(values_total, 0u);
  EXPECT_EQ(found, values_total);
}

}  // namespace
}  // namespace tidemark::signal
