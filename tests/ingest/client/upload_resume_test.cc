// What a device does about what an earlier run, or an accident, left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "ingest/client/durable_file.h"
#include "tests/ingest/client/upload_client_fixture.h"

namespace tidemark::ingest {
namespace {

namespace fs = std::filesystem;
using support::IsOk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using UploadResumeTest = UploadClientTest;
INSTANTIATE_TEST_SUITE_P(Ways, UploadResumeTest, BothWays(), NameOfWay);

TEST_P(UploadResumeTest, ALostReceiptIsFetchedBySendingAgain) {
  Record(3);
  server_.SetDecide([](const v1::ChunkBody&, int times) -> Answer {
    if (times == 1) return {.silent = true};  // stored, and the answer lost
    return {.outcome = v1::OUTCOME_DUPLICATE};
  });
  UploadOptions options = Options();
  // A stream whose receipts do not come is given up after the stall timeout.
  options.stall_timeout = absl::Milliseconds(50);
  const UploadReport report = Drain(std::move(options));
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.receipts.at(v1::OUTCOME_DUPLICATE), 3u);
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
}

TEST_P(UploadResumeTest, AnAbandonmentThatWasNotHeardIsToldByTheNextRun) {
  Record(2);
  server_.SetDecide([](const v1::ChunkBody&, int) { return Kept(); });
  server_.Fail("AbandonRange", absl::PermissionDeniedError("not now"));
  EXPECT_FALSE(Drain().status.ok());
  EXPECT_EQ(KeptBodies(), 2u);
  OpenFolder();
  ASSERT_THAT(Drain().status, IsOk());
  uint64_t numbers = 0;
  for (const auto& range : server_.seen().abandoned) {
    numbers += range.range().end() - range.range().begin();
  }
  EXPECT_EQ(numbers, 2u);
}

TEST_P(UploadResumeTest, ARestoredOutboxNumbersAnewAndItsOldBodiesAreSentUnchanged) {
  const StreamId stream_id = Record(2);
  const WriterId old_writer = outbox_->Streams()[0].writer_id;
  // The server has numbers that this copy of the outbox never used.
  server_.Remember(stream_id.ToString(), old_writer.ToString(), 0, 9);
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.writers_started, 1u);
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  EXPECT_NE(outbox_->Streams()[0].writer_id, old_writer);
  for (const auto& [bytes, times] : server_.seen().bodies) {
    v1::ChunkBody body;
    ASSERT_TRUE(body.ParseFromString(bytes));
    EXPECT_EQ(body.writer_id(), old_writer.AsBytes());
  }
  EXPECT_THAT(server_.seen().abandoned, SizeIs(0));
}

TEST_P(UploadResumeTest, ANumberWithoutABodyIsAbandoned) {
  const StreamId stream_id = Record(3);
  fs::remove(FileOf(1));  // somebody did by hand
  OpenFolder();
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.chunks_deleted, 2u);
  const auto abandoned = server_.seen().abandoned;
  ASSERT_THAT(abandoned, SizeIs(1));
  EXPECT_EQ(abandoned[0].stream_id(), stream_id.ToString());
  EXPECT_EQ(abandoned[0].range().begin(), 1u);
}

// Every second number of 40 is at the server; of the others some wait here, and some are lost.
TEST_P(UploadResumeTest, MoreGapsThanTheServerListsAreAllSettled) {
  constexpr uint64_t kNumbers = 40;
  constexpr uint64_t kWaitingBegin = 21;
  server_.CutListsAt(3);
  const StreamId stream_id = Record(int{kNumbers});
  const std::string writer_id = outbox_->Streams()[0].writer_id.ToString();
  for (uint64_t n = 0; n < kNumbers; ++n) {
    if (n % 2 == 0) server_.Remember(stream_id.ToString(), writer_id, n, n + 1);
    if (n % 2 == 0 || n < kWaitingBegin) fs::remove(FileOf(n));
  }
  OpenFolder();
  const uint64_t waiting = outbox_->pending_chunks();
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.chunks_deleted, waiting);
  EXPECT_EQ(report.numbers_abandoned, kNumbers / 2 - waiting);
  EXPECT_THAT(server_.MissingBelow(kNumbers, stream_id.ToString(), writer_id), IsEmpty());
  EXPECT_NE(outbox_->Streams()[0].writer_id.ToString(), writer_id) << "numbers are scattered";
}

// The gaps that are listed first wait here: those behind them come to light once they were sent.
TEST_P(UploadResumeTest, GapsBehindWhatWaitsToBeSentAreFoundAfterwards) {
  constexpr uint64_t kNumbers = 20;
  constexpr uint64_t kLostBegin = 11;
  server_.CutListsAt(3);
  const StreamId stream_id = Record(int{kNumbers});
  const std::string writer_id = outbox_->Streams()[0].writer_id.ToString();
  for (uint64_t n = 0; n < kNumbers; ++n) {
    if (n % 2 == 0) server_.Remember(stream_id.ToString(), writer_id, n, n + 1);
    if (n % 2 == 0 || (n >= kLostBegin && n + 1 < kNumbers)) fs::remove(FileOf(n));
  }
  OpenFolder();
  ASSERT_THAT(Drain().status, IsOk());
  EXPECT_THAT(server_.MissingBelow(kNumbers, stream_id.ToString(), writer_id), IsEmpty());
}

// A server that takes no more gaps gets everything that there is a body for.
TEST_P(UploadResumeTest, GapsThatTheServerDoesNotTakeHoldNothingBack) {
  Record(3);
  fs::remove(FileOf(1));
  OpenFolder();
  server_.Fail("AbandonRange", rpc::Error(absl::StatusCode::kResourceExhausted,
                                          v1::ERROR_REASON_OVERLOADED, "2,048 runs given up"));
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.chunks_deleted, 2u);
  EXPECT_THAT(report.note, HasSubstr("2,048 runs"));
}

TEST_P(UploadResumeTest, ABodyThatIsDamagedOnDiskIsKeptAndAbandoned) {
  Record(2);
  fs::resize_file(FileOf(0), fs::file_size(FileOf(0)) - 1);
  const UploadReport report = Drain();
  ASSERT_THAT(report.status, IsOk());
  EXPECT_EQ(report.chunks_kept, 1u);
  EXPECT_EQ(report.chunks_deleted, 1u);
  EXPECT_THAT(server_.seen().abandoned, SizeIs(1));
}

// One file that cannot be read keeps none of the others back.
TEST_P(UploadResumeTest, ABodyThatCannotBeReadIsPassedOverAndTriedByTheNextRun) {
  Record(4);
  const fs::path folder = FileOf(0);
  fs::rename(folder, folder_ / "body");
  fs::create_directory(folder);
  fs::resize_file(FileOf(2), 5 << 20);
  OpenFolder();
  const UploadReport report = Drain();
  EXPECT_FALSE(report.status.ok());
  EXPECT_TRUE(IsOnThisMachine(report.status));
  EXPECT_THAT(std::string(report.status.message()), HasSubstr("2 chunks cannot be read"));
  EXPECT_EQ(report.chunks_deleted, 2u);
  EXPECT_EQ(report.chunks_unreadable, 2u);
  EXPECT_EQ(report.chunks_left, 2u);
  EXPECT_EQ(report.attempts_failed, 0u);
  EXPECT_THAT(server_.seen().abandoned, SizeIs(0));

  fs::remove(folder);
  fs::rename(folder_ / "body", folder);
  OpenFolder();
  const UploadReport again = Drain();
  EXPECT_EQ(again.chunks_deleted, 1u);
  EXPECT_EQ(again.chunks_unreadable, 1u);
}

}  // namespace
}  // namespace tidemark::ingest
