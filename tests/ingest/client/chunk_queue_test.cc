#include "ingest/client/chunk_queue.h"

#include <gtest/gtest.h>

#include <thread>

namespace tidemark::ingest {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

ChunkRef Ref(uint64_t number) { return {.stream_id = {}, .writer_id = {}, .number = number}; }
Sha256Digest Hash(uint64_t number) { return Sha256(std::to_string(number)); }
std::string Key(uint64_t number) { return std::string(AsView(Hash(number))); }

// Takes the next chunk and says that it was sent.
uint64_t Send(ChunkQueue& queue, absl::Time now = kNow) {
  const auto ref = queue.Take(now);
  if (!ref) return UINT64_MAX;
  queue.Sent(*ref, Hash(ref->number), 10);
  return ref->number;
}

TEST(ChunkQueue, GivesInOrderAndCountsWhatFlies) {
  ChunkQueue queue({Ref(0), Ref(1), Ref(2)});
  EXPECT_EQ(Send(queue), 0u);
  EXPECT_EQ(Send(queue), 1u);
  EXPECT_EQ(queue.in_flight(), 2u);
  queue.Drop(Key(0));
  EXPECT_EQ(queue.in_flight(), 1u);
  EXPECT_FALSE(queue.Find(Key(0)).has_value());
  EXPECT_EQ(queue.Find(Key(1))->ref, Ref(1));
  EXPECT_EQ(queue.Find(Key(1))->body_bytes, 10u);
}

TEST(ChunkQueue, AResentChunkGoesFirstAndCountsItsAnswers) {
  ChunkQueue queue({Ref(0), Ref(1)});
  Send(queue);
  queue.Resend(Key(0));
  EXPECT_EQ(Send(queue), 0u);
  EXPECT_EQ(queue.Find(Key(0))->resends, 1);
  queue.Resend(Key(0));
  EXPECT_EQ(Send(queue), 0u);
  EXPECT_EQ(queue.Find(Key(0))->resends, 2);
}

TEST(ChunkQueue, AWaitingChunkComesBackAtItsTime) {
  ChunkQueue queue({Ref(0)});
  Send(queue);
  queue.Wait(Key(0), kNow + absl::Seconds(5));
  EXPECT_FALSE(queue.Take(kNow + absl::Seconds(4)).has_value());
  EXPECT_EQ(queue.NextTime(), kNow + absl::Seconds(5));
  EXPECT_EQ(Send(queue, kNow + absl::Seconds(5)), 0u);
  EXPECT_EQ(queue.Find(Key(0))->waits, 1);
  EXPECT_FALSE(queue.NextTime().has_value());
}

TEST(ChunkQueue, ABrokenConnectionReturnsWhatWasInFlight) {
  ChunkQueue queue({Ref(0), Ref(1)});
  Send(queue);
  Send(queue);
  queue.Drop(Key(1));
  queue.Interrupt();
  queue.ReturnInFlight();
  EXPECT_FALSE(queue.interrupted());
  EXPECT_EQ(Send(queue), 0u);
  EXPECT_EQ(Send(queue), UINT64_MAX);
}

TEST(ChunkQueue, WaitingForAReceiptEndsWithOneOrAtTheDeadline) {
  ChunkQueue queue({Ref(0)});
  Send(queue);
  EXPECT_FALSE(queue.AwaitReceipt(1, std::chrono::steady_clock::now()));
  std::thread receiver([&] { queue.Drop(Key(0)); });
  EXPECT_TRUE(queue.AwaitReceipt(1, std::chrono::steady_clock::now() + std::chrono::minutes(1)));
  receiver.join();
}

TEST(ChunkQueue, InterruptEndsAWait) {
  ChunkQueue queue({Ref(0)});
  Send(queue);
  std::thread breaker([&] { queue.Interrupt(); });
  EXPECT_TRUE(queue.AwaitReceipt(1, std::chrono::steady_clock::now() + std::chrono::minutes(1)));
  breaker.join();
  EXPECT_TRUE(queue.interrupted());
}

}  // namespace
}  // namespace tidemark::ingest
