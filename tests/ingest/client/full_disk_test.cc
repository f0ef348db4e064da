// A device whose disk is full hands over what it has, and the disk is free again.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "ingest/client/receipt_desk.h"
#include "tests/ingest/client/receipt_maker.h"
#include "tests/ingest/client/small_disk.h"
#include "tests/ingest/client/test_folder.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

namespace fs = std::filesystem;
using support::IsOk;
using support::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uint64_t kDiskBytes = uint64_t{1} << 20;
constexpr size_t kBodyBytes = 7'000;  // two blocks with what the file says about it
constexpr size_t kBodyBlockBytes = 8'192;

class FullDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(disk());
    LimitDisk(disk(), kDiskBytes);
    OpenOutbox();
    auto ledger = Ledger::Open(disk() / "ledger");
    ASSERT_THAT(ledger, IsOk());
    ledger_ = std::make_unique<Ledger>(*std::move(ledger));
  }
  void TearDown() override { LimitDisk(disk(), 0); }

  fs::path disk() const { return folder_ / "disk"; }
  fs::path reserve() const { return disk() / "outbox/reserve"; }
  void OpenOutbox(OutboxLimits limits = {}) {
    outbox_.reset();
    auto outbox = Outbox::Open(disk() / "outbox", limits);
    ASSERT_THAT(outbox, IsOk());
    outbox_ = *std::move(outbox);
    v1::StreamDeclaration declaration;
    declaration.set_modality(v1::MODALITY_OTHER);
    const auto declared = outbox_->DeclareStream("x", declaration);
    ASSERT_THAT(declared, IsOk());
    stream_ = declared->stream_id;
  }

  absl::Status Record() {
    return outbox_
        ->Append(stream_,
                 [](auto&&, uint64_t number) {
                   return std::to_string(number) + std::string(kBodyBytes, 'b');
                 })
        .status();
  }
  // Records until nothing more is taken, and lets others fill what is left. Why it was not taken.
  absl::Status FillSaying() {
    absl::Status taken;
    while (taken.ok()) taken = Record();
    const int fd = ::open((disk() / "photos").c_str(), O_CREAT | O_WRONLY, 0600);
    const std::string block(4'096, 'p');
    while (::write(fd, block.data(), block.size()) > 0) continue;
    ::close(fd);
    return taken;
  }

  void Fill() { EXPECT_TRUE(IsDiskFull(FillSaying())); }

  // Every chunk that waits is in flight and answered as `action` says, all in one message.
  absl::Status AnswerAll(v1::Outcome outcome, v1::DeviceAction action) {
    const std::vector<ChunkRef> pending = outbox_->Pending();
    ChunkQueue queue(pending);
    std::vector<v1::ReceiptStatement> statements;
    for (const ChunkRef& ref : pending) {
      const auto chunk = outbox_->Read(ref);
      EXPECT_THAT(chunk, IsOk());
      queue.Take(clock_.Now());
      queue.Sent(ref, chunk->sha256, chunk->body.size());
      v1::ReceiptStatement& statement = statements.emplace_back();
      statement.set_version(1);
      statement.set_device_id(std::string(device_.AsBytes()));
      statement.set_stream_id(std::string(ref.stream_id.AsBytes()));
      statement.set_writer_id(std::string(ref.writer_id.AsBytes()));
      statement.set_number(ref.number);
      statement.set_sha256(std::string(AsView(chunk->sha256)));
      statement.set_outcome(outcome);
      statement.set_device_action(action);
      statement.set_durability(v1::DURABILITY_LOCAL);
    }
    ReceiptDesk desk({.device_id = device_, .clock = &clock_}, *outbox_, *ledger_);
    desk.SetKeys(maker_.keys());
    return desk.Handle(maker_.Sign(statements), queue);
  }
  uint64_t ReceiptsKept() const {
    uint64_t proven = 0;
    EXPECT_THAT(Ledger::ForEach(disk() / "ledger",
                                [&](const v1::Receipt& receipt) {
                                  ++proven;
                                  return VerifyReceipt(receipt, maker_.keys()).status();
                                }),
                IsOk());
    return proven;
  }

  TestFolder folder_;
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  const DeviceId device_ = DeviceId::MakeV7();
  ReceiptMaker maker_;
  std::unique_ptr<Outbox> outbox_;
  std::unique_ptr<Ledger> ledger_;
  StreamId stream_;
};

TEST_F(FullDiskTest, TakesNoMoreAndLosesNothing) {
  const absl::Status refused = FillSaying();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_TRUE(IsDiskFull(refused));
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr((disk() / "outbox").string()), HasSubstr("bytes"),
                    HasSubstr("No space left on device")));
  const std::vector<ChunkRef> taken = outbox_->Pending();
  EXPECT_GT(taken.size(), 64u) << "more than receipts are written at a time";
  OpenOutbox();
  EXPECT_EQ(outbox_->Pending(), taken);
  for (const ChunkRef& ref : taken) EXPECT_THAT(outbox_->Read(ref), IsOk());
  for (const auto& entry : fs::recursive_directory_iterator(disk())) {
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
  }
}

TEST_F(FullDiskTest, WithoutAReserveNoReceiptCanBeKept) {
  fs::remove(reserve());
  OpenOutbox({.reserve_bytes = 0});
  Fill();
  const size_t waiting = outbox_->pending_chunks();
  const absl::Status stuck = AnswerAll(v1::OUTCOME_STORED, v1::DEVICE_ACTION_MAY_DELETE);
  EXPECT_TRUE(IsDiskFull(stuck)) << stuck;
  EXPECT_EQ(outbox_->pending_chunks(), waiting);
  EXPECT_EQ(ReceiptsKept(), 0u);
}

TEST_F(FullDiskTest, ReceiptsAreKeptTheirBodiesGoAndTheReserveComesBack) {
  Fill();
  const size_t waiting = outbox_->pending_chunks();
  ASSERT_THAT(AnswerAll(v1::OUTCOME_STORED, v1::DEVICE_ACTION_MAY_DELETE), IsOk());
  EXPECT_EQ(ReceiptsKept(), waiting);
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  EXPECT_EQ(fs::file_size(reserve()), kDiskReserveBytes);
  EXPECT_THAT(Record(), IsOk());
}

// Bodies that are kept aside free nothing: the reserve holds the receipts and reasons of some.
TEST_F(FullDiskTest, WhatMayNeverBeAcceptedIsMovedAside) {
  for (int i = 0; i < 20; ++i) ASSERT_THAT(Record(), IsOk());
  Fill();
  const std::vector<ChunkRef> all = outbox_->Pending();
  ASSERT_THAT(outbox_->Delete(std::span(all).subspan(20)), IsOk());
  LimitDisk(disk(), 20 * kBodyBlockBytes + fs::file_size(disk() / "photos") + kDiskReserveBytes);
  ASSERT_THAT(AnswerAll(v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_KEEP_AND_REPORT), IsOk());
  EXPECT_EQ(ReceiptsKept(), 20u);
  EXPECT_EQ(outbox_->pending_chunks(), 0u);
  EXPECT_FALSE(fs::exists(reserve())) << "there is no room for it yet";
}

TEST_F(FullDiskTest, NothingIsRecordedWhileTheReserveIsGone) {
  Fill();
  const auto full = [] { return FileError("write", "somewhere", ENOSPC); };
  EXPECT_TRUE(IsDiskFull(outbox_->WriteFromReserve(full)));
  EXPECT_FALSE(fs::exists(reserve()));
  EXPECT_TRUE(IsDiskFull(Record())) << "what the reserve left belongs to the receipts";
  LimitDisk(disk(), 2 * kDiskBytes);
  EXPECT_THAT(Record(), IsOk());
  EXPECT_TRUE(fs::exists(reserve()));
}

// As long as it takes somebody to free a disk.
TEST_F(FullDiskTest, AnOutboxOpensOnAFullDiskAndRecordsOnceThereIsRoom) {
  Fill();
  outbox_.reset();
  fs::remove(reserve());
  LimitDisk(disk(), kDiskBytes - kDiskReserveBytes);
  OpenOutbox();
  EXPECT_TRUE(IsDiskFull(Record()));
  fs::remove(disk() / "photos");
  LimitDisk(disk(), kDiskBytes + kDiskReserveBytes);
  EXPECT_THAT(Record(), IsOk());
}

}  // namespace
}  // namespace tidemark::ingest
