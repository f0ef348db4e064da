#include "server/disk_forecast.h"

#include <gtest/gtest.h>

namespace tidemark::server {
namespace {

constexpr int64_t kMiB = 1 << 20;
const absl::Time kForecastStart = absl::FromUnixSeconds(1'700'000'000);

TEST(DiskForecastTest, GrowthMeansNothingInTheFirstHour) {
  DiskForecast forecast;
  EXPECT_FALSE(forecast.growth());
  forecast.Add(kForecastStart, 100 * kMiB);
  forecast.Add(kForecastStart + absl::Minutes(59), 900 * kMiB);
  EXPECT_FALSE(forecast.growth());
  forecast.Add(kForecastStart + absl::Minutes(60), 101 * kMiB);
  ASSERT_TRUE(forecast.growth());
  EXPECT_DOUBLE_EQ(forecast.growth()->bytes_per_day, 24.0 * kMiB);
  EXPECT_EQ(forecast.growth()->watched, absl::Hours(1));
}

TEST(DiskForecastTest, IsAboutTheLastWeek) {
  DiskForecast forecast;
  // A day of a gigabyte an hour, then nine days of a megabyte an hour.
  int64_t bytes = 0;
  for (int hour = 0; hour <= 24 * 10; ++hour) {
    forecast.Add(kForecastStart + absl::Hours(hour), bytes);
    bytes += hour < 24 ? 1'024 * kMiB : kMiB;
  }
  EXPECT_DOUBLE_EQ(forecast.growth()->bytes_per_day, 24.0 * kMiB);
  EXPECT_EQ(forecast.growth()->watched, DiskForecast::kWindow);
}

TEST(DiskForecastTest, DaysUntilFull) {
  EXPECT_DOUBLE_EQ(*DaysUntilFull({.bytes_per_day = 2.0 * kMiB, .watched = {}}, 5 * kMiB), 2.5);
  EXPECT_FALSE(DaysUntilFull({.bytes_per_day = 0, .watched = {}}, 5 * kMiB));
  EXPECT_FALSE(DaysUntilFull({.bytes_per_day = -1, .watched = {}}, 5 * kMiB));
}

}  // namespace
}  // namespace tidemark::server
