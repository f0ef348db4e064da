#include "ingest/client/outbox_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/endian.h"
#include "tests/ingest/client/test_folder.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

using support::IsOk;
using support::StatusIs;
using ::testing::SizeIs;

v1::StreamDeclaration Declaration(v1::Modality modality) {
  v1::StreamDeclaration declaration;
  declaration.set_modality(modality);
  return declaration;
}

class OutboxSinkTest : public ::testing::Test {
 protected:
  OutboxSinkTest() : outbox_(*Outbox::Open(folder_ / "outbox")), sink_(*outbox_) {}

  std::vector<v1::ChunkBody> Bodies() const {
    std::vector<v1::ChunkBody> bodies;
    for (const ChunkRef& ref : outbox_->Pending()) {
      const auto chunk = outbox_->Read(ref);
      EXPECT_THAT(chunk, IsOk());
      v1::ChunkBody& body = bodies.emplace_back();
      EXPECT_TRUE(body.ParseFromString(chunk->body));
      EXPECT_EQ(body.SerializeAsString(), chunk->body) << "bodies are in canonical form";
    }
    return bodies;
  }

  TestFolder folder_;
  std::unique_ptr<Outbox> outbox_;
  OutboxSink sink_;
  const BootId boot_ = BootId::MakeRandom();
};

TEST_F(OutboxSinkTest, WritesOneChunkPerRunAndRecordsAhead) {
  TM_ASSERT_OK_AND_ASSIGN(const int hr,
                          sink_.DeclareStream("hr", Declaration(v1::MODALITY_HEART_RATE)));
  v1::BootStart start;
  start.set_wall_ns(5);
  ASSERT_THAT(sink_.BeginBoot(boot_, start), IsOk());
  ASSERT_THAT(sink_.AddClockPair({}), IsOk());
  TM_ASSERT_OK_AND_ASSIGN(const signal::Stamps stamps, signal::Stamps::Regular(100, 300, 3));
  ASSERT_THAT(
      sink_.Append(hr, {.first_counter = 9, .stamps = stamps, .values = "abcdef", .clock_id = 2}),
      IsOk());
  ASSERT_THAT(sink_.Append(hr, {.first_counter = 12,
                                .stamps = signal::Stamps::Exact({7, 7, -1}),
                                .values = "ghijkl"}),
              IsOk());
  ASSERT_THAT(sink_.Finish(), IsOk());

  const auto bodies = Bodies();
  ASSERT_THAT(bodies, SizeIs(3));
  EXPECT_EQ(bodies[0].records().records_size(), 2);
  EXPECT_EQ(bodies[0].records().records(0).boot_start().wall_ns(), 5);
  EXPECT_EQ(bodies[1].version(), 1u);
  EXPECT_EQ(bodies[1].stream_version(), 1u);
  EXPECT_EQ(bodies[1].number(), 0u);
  EXPECT_EQ(bodies[1].boot_id(), boot_.AsBytes());
  EXPECT_EQ(bodies[1].clock_id(), 2u);
  EXPECT_EQ(bodies[1].samples().first_counter(), 9u);
  EXPECT_EQ(bodies[1].samples().count(), 3u);
  EXPECT_EQ(bodies[1].samples().values(), "abcdef");
  EXPECT_EQ(bodies[1].samples().regular().last_device_ns(), 300);
  EXPECT_EQ(bodies[2].number(), 1u);
  std::string exact;
  for (const int64_t stamp : {7, 7, -1}) AppendLe(exact, stamp);
  EXPECT_EQ(bodies[2].samples().exact_device_ns(), exact);
}

TEST_F(OutboxSinkTest, ANewBootBeginsANewChunkOfRecords) {
  ASSERT_THAT(sink_.BeginBoot(boot_, {}), IsOk());
  const BootId second = BootId::MakeRandom();
  ASSERT_THAT(sink_.BeginBoot(second, {}), IsOk());
  ASSERT_THAT(sink_.AddProbe({}), IsOk());
  ASSERT_THAT(sink_.Finish(), IsOk());
  const auto bodies = Bodies();
  ASSERT_THAT(bodies, SizeIs(2));
  EXPECT_EQ(bodies[0].boot_id(), boot_.AsBytes());
  EXPECT_EQ(bodies[1].boot_id(), second.AsBytes());
  EXPECT_EQ(bodies[1].records().records_size(), 2);
}

TEST_F(OutboxSinkTest, AChangedDeclarationKeepsItsHandle) {
  TM_ASSERT_OK_AND_ASSIGN(const int first,
                          sink_.DeclareStream("x", Declaration(v1::MODALITY_OTHER)));
  v1::StreamDeclaration changed = Declaration(v1::MODALITY_OTHER);
  changed.set_stamped(true);
  TM_ASSERT_OK_AND_ASSIGN(const int second, sink_.DeclareStream("x", changed));
  EXPECT_EQ(first, second);
  ASSERT_THAT(sink_.BeginBoot(boot_, {}), IsOk());
  ASSERT_THAT(sink_.Append(first, {.stamps = signal::Stamps::Exact({1}), .values = "ab"}), IsOk());
  EXPECT_EQ(Bodies().back().stream_version(), 2u);
}

TEST_F(OutboxSinkTest, RefusesWhatCannotBeOneChunk) {
  TM_ASSERT_OK_AND_ASSIGN(const int x, sink_.DeclareStream("x", Declaration(v1::MODALITY_OTHER)));
  const SampleRun run{.stamps = signal::Stamps::Exact({1}), .values = "ab"};
  EXPECT_THAT(sink_.Append(x, run), StatusIs(absl::StatusCode::kFailedPrecondition));
  ASSERT_THAT(sink_.BeginBoot(boot_, {}), IsOk());
  EXPECT_THAT(sink_.Append(x + 1, run), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(sink_.Append(x, {}), StatusIs(absl::StatusCode::kInvalidArgument));
  const std::string large(kBodyBytesMax, 'x');
  EXPECT_THAT(sink_.Append(x, {.stamps = signal::Stamps::Exact({1}), .values = large}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(sink_.DeclareStream("device", Declaration(v1::MODALITY_OTHER)),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tidemark::ingest
