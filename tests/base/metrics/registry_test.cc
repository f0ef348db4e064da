#include "base/metrics/registry.h"

#include <gmock/gmock.h>

#include <limits>
#include <thread>

namespace tidemark::metrics {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(RegistryTest, PageIsTextFormat004InTheOrderOfNames) {
  Registry registry;
  Counters& receipts = registry.AddCounters({"tidemark_receipts_total", "By outcome."}, "outcome",
                                            {"stored", "refused"});
  Level& streams = registry.AddLevel({"tidemark_open_streams", "Open now."});
  Reading& queue = registry.AddReading({"tidemark_queue_bytes", "Queued.", Unit::kBytes}, "stage");
  receipts[0].Add(3);
  receipts[1].Add();
  streams.Add(2);
  streams.Add(-1);
  const auto first = queue.Add("writer", [] { return 1.5; });
  const auto second = queue.Add("writer", [] { return 2.0; });
  const auto third = queue.Add("admission", [] { return 7.0; });
  EXPECT_EQ(registry.Text(),
            "# HELP tidemark_open_streams Open now.\n"
            "# TYPE tidemark_open_streams gauge\n"
            "tidemark_open_streams 1\n"
            "# HELP tidemark_queue_bytes Queued.\n"
            "# TYPE tidemark_queue_bytes gauge\n"
            "tidemark_queue_bytes{stage=\"admission\"} 7\n"
            "tidemark_queue_bytes{stage=\"writer\"} 3.5\n"
            "# HELP tidemark_receipts_total By outcome.\n"
            "# TYPE tidemark_receipts_total counter\n"
            "tidemark_receipts_total{outcome=\"stored\"} 3\n"
            "tidemark_receipts_total{outcome=\"refused\"} 1\n");
}

TEST(RegistryTest, HistogramCumulatesAndShowsSeconds) {
  Registry registry;
  Histogram& commit =
      registry.AddHistogram({"tidemark_commit_duration_seconds", "Of a commit.", Unit::kSeconds},
                            {1'000'000, 250'000'000});
  commit.Observe(absl::Milliseconds(1));  // at its bound
  commit.Observe(absl::Milliseconds(2));
  commit.Observe(absl::Seconds(-3));
  commit.Observe(absl::Seconds(1));
  EXPECT_THAT(registry.Text(), HasSubstr("# TYPE tidemark_commit_duration_seconds histogram\n"
                                         "tidemark_commit_duration_seconds_bucket{le=\"0.001\"} 2\n"
                                         "tidemark_commit_duration_seconds_bucket{le=\"0.25\"} 3\n"
                                         "tidemark_commit_duration_seconds_bucket{le=\"+Inf\"} 4\n"
                                         "tidemark_commit_duration_seconds_sum 1.003\n"
                                         "tidemark_commit_duration_seconds_count 4\n"));
}

TEST(RegistryTest, HistogramOfThingsHasWholeNumbers) {
  Registry registry;
  Histogram& chunks = registry.AddHistogram({"tidemark_commit_chunks", "Of a commit."}, {1, 16});
  chunks.Observe(uint64_t{16});
  chunks.Observe(uint64_t{17});
  EXPECT_THAT(chunks.counts(), ElementsAre(0, 1, 1));
  EXPECT_THAT(registry.Text(), HasSubstr("tidemark_commit_chunks_sum 33\n"));
}

TEST(RegistryTest, NumberThatNobodyKnowsIsNotShown) {
  Registry registry;
  Reading& lag = registry.AddReading({"tidemark_lag_seconds", "Behind.", Unit::kSeconds});
  EXPECT_THAT(registry.Text(), Not(HasSubstr("\ntidemark_lag_seconds")));
  auto source = lag.Add([] { return std::numeric_limits<double>::quiet_NaN(); });
  EXPECT_THAT(registry.Text(), HasSubstr("\ntidemark_lag_seconds NaN\n"));
  source = lag.Add([] { return std::numeric_limits<double>::infinity(); });
  { const Reading::Source moved = std::move(source); }
  EXPECT_THAT(registry.Text(), Not(HasSubstr("\ntidemark_lag_seconds +Inf")));
}

TEST(RegistryTest, TextIsEscaped) {
  Registry registry;
  registry.AddCounters({"tidemark_odd_total", "One \\ two\nlines \"said\"."}, "word",
                       {"a\"b\\c\nd"});
  EXPECT_EQ(registry.Text(),
            "# HELP tidemark_odd_total One \\\\ two\\nlines \"said\".\n"
            "# TYPE tidemark_odd_total counter\n"
            "tidemark_odd_total{word=\"a\\\"b\\\\c\\nd\"} 0\n");
}

TEST(RegistryTest, ListNamesEverything) {
  Registry registry;
  registry.AddGrowingReading({"process_cpu_seconds_total", "Time.", Unit::kSeconds});
  registry.AddCounters({"tidemark_calls_total", "Calls."}, "outcome", {"ok"});
  const auto list = registry.List();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].name + " " + list[0].type, "process_cpu_seconds_total counter");
  EXPECT_EQ(list[1].label + ": " + list[1].help, "outcome: Calls.");
}

TEST(RegistryTest, NothingIsLostBetweenThreads) {
  Registry registry;
  Counter& counter = registry.AddCounter({"tidemark_strokes_total", "Strokes."});
  Histogram& histogram = registry.AddHistogram({"tidemark_sizes", "Sizes."}, {10});
  constexpr int kThreads = 4;
  constexpr uint64_t kEach = 20'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (uint64_t i = 0; i < kEach; ++i) {
        counter.Add();
        histogram.Observe(uint64_t{11});
      }
    });
  }
  registry.Text();  // while they count
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), kThreads * kEach);
  EXPECT_THAT(histogram.counts(), ElementsAre(0, kThreads * kEach));
}

using RegistryDeathTest = ::testing::Test;

TEST(RegistryDeathTest, NamesThatBreakTheRulesEndTheProcess) {
  Registry registry;
  registry.AddCounter({"tidemark_a_total", "A."});
  EXPECT_DEATH(registry.AddCounter({"tidemark_a_total", "A."}), "is taken");
  EXPECT_DEATH(registry.AddCounter({"tidemark_a", "A."}), "_total");
  EXPECT_DEATH(registry.AddLevel({"tidemark_b_total", "B."}), "_total");
  EXPECT_DEATH(registry.AddLevel({"pump_b", "B."}), "begins with");
  EXPECT_DEATH(registry.AddLevel({"tidemark_B", "B."}), "begins with");
  EXPECT_DEATH(registry.AddReading({"tidemark_lag", "Lag.", Unit::kSeconds}), "unit");
  EXPECT_DEATH(registry.AddCounter({"tidemark_seconds_stored_total", "B.", Unit::kBytes}), "unit");
  EXPECT_DEATH(registry.AddLevel({"tidemark_c", ""}), "help");
  EXPECT_DEATH(registry.AddHistogram({"tidemark_d", "D."}, {2, 2}), "grow");
  EXPECT_DEATH(registry.AddReading({"tidemark_e", "E."}, "participant id"), "label");
}

}  // namespace
}  // namespace tidemark::metrics
