#include "base/bounded_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <thread>

namespace tidemark {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kMany = 1000;

bool Push(BoundedQueue<int>& queue, int item, size_t weight) { return queue.TryPush(item, weight); }

TEST(BoundedQueue, RefusesBeyondTheCount) {
  BoundedQueue<int> queue(2, kMany);
  EXPECT_TRUE(Push(queue, 1, 1));
  EXPECT_TRUE(Push(queue, 2, 1));
  EXPECT_FALSE(Push(queue, 3, 1));
  EXPECT_THAT(queue.PopSome(1, kMany), ElementsAre(1));
  EXPECT_TRUE(Push(queue, 3, 1));
  EXPECT_THAT(queue.PopSome(kMany, kMany), ElementsAre(2, 3));
}

TEST(BoundedQueue, RefusesBeyondTheWeight) {
  BoundedQueue<int> queue(kMany, 10);
  EXPECT_TRUE(Push(queue, 1, 6));
  EXPECT_FALSE(Push(queue, 2, 5));
  EXPECT_TRUE(Push(queue, 3, 4));
  EXPECT_EQ(queue.weight(), 10u);
  EXPECT_EQ(queue.size(), 2u);
}

TEST(BoundedQueue, AnEmptyQueueTakesOneItemOfAnyWeight) {
  BoundedQueue<int> queue(kMany, 10);
  EXPECT_TRUE(Push(queue, 1, 11));
  EXPECT_FALSE(Push(queue, 2, 0));
  EXPECT_THAT(queue.PopSome(1, 1), ElementsAre(1));
  EXPECT_EQ(queue.weight(), 0u);
}

TEST(BoundedQueue, ARefusedItemStaysWithTheCaller) {
  BoundedQueue<std::unique_ptr<int>> queue(1, kMany);
  auto first = std::make_unique<int>(1);
  auto second = std::make_unique<int>(2);
  EXPECT_TRUE(queue.TryPush(first, 1));
  EXPECT_EQ(first, nullptr);
  EXPECT_FALSE(queue.TryPush(second, 1));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(*second, 2);
}

TEST(BoundedQueue, PopStopsBeforeTheWeightButTakesAtLeastOne) {
  BoundedQueue<int> queue(kMany, kMany);
  for (int i = 1; i <= 4; ++i) Push(queue, i, 4);
  EXPECT_THAT(queue.PopSome(kMany, 9), ElementsAre(1, 2));
  EXPECT_THAT(queue.PopSome(kMany, 3), ElementsAre(3));
  EXPECT_THAT(queue.PopSome(kMany, 0), ElementsAre(4));
}

TEST(BoundedQueue, ClosingDrainsAndThenEnds) {
  BoundedQueue<int> queue(kMany, kMany);
  Push(queue, 1, 1);
  queue.Close();
  EXPECT_FALSE(Push(queue, 2, 1));
  EXPECT_THAT(queue.PopSome(kMany, kMany), ElementsAre(1));
  EXPECT_THAT(queue.PopSome(kMany, kMany), IsEmpty());
}

TEST(BoundedQueue, ClosingWakesEveryWaitingConsumer) {
  BoundedQueue<int> queue(kMany, kMany);
  std::vector<std::thread> consumers;
  for (int i = 0; i < 4; ++i) {
    consumers.emplace_back([&] { EXPECT_THAT(queue.PopSome(kMany, kMany), IsEmpty()); });
  }
  queue.Close();
  for (std::thread& consumer : consumers) consumer.join();
}

// Four producers that meet a full queue again and again, two consumers: nothing lost or doubled.
TEST(BoundedQueue, EveryItemArrivesOnceUnderContention) {
  constexpr int kProducers = 4;
  constexpr int kItemsEach = 5'000;
  BoundedQueue<int> queue(16, 64);
  std::vector<std::thread> producers;
  for (int producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&, producer] {
      for (int i = 0; i < kItemsEach; ++i) {
        int item = producer * kItemsEach + i;
        while (!queue.TryPush(item, 1 + static_cast<size_t>(i) % 8)) std::this_thread::yield();
      }
    });
  }
  std::vector<std::vector<int>> taken(2);
  std::vector<std::thread> consumers;
  for (std::vector<int>& mine : taken) {
    consumers.emplace_back([&queue, &mine] {
      for (auto items = queue.PopSome(8, 32); !items.empty(); items = queue.PopSome(8, 32)) {
        mine.insert(mine.end(), items.begin(), items.end());
      }
    });
  }
  for (std::thread& producer : producers) producer.join();
  queue.Close();
  for (std::thread& consumer : consumers) consumer.join();

  std::vector<int> all = taken[0];
  all.insert(all.end(), taken[1].begin(), taken[1].end());
  std::sort(all.begin(), all.end());
  std::vector<int> expected(kProducers * kItemsEach);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(all, expected);
  EXPECT_EQ(queue.weight(), 0u);
}

}  // namespace
}  // namespace tidemark
