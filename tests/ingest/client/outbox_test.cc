#include "ingest/client/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/ingest/client/test_folder.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

namespace fs = std::filesystem;
using support::IsOk;
using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::StreamDeclaration Heart() {
  v1::StreamDeclaration declaration;
  declaration.set_modality(v1::MODALITY_HEART_RATE);
  auto* channel = declaration.add_channels();
  channel->set_name("hr");
  channel->set_unit("/min");
  channel->set_type(v1::CHANNEL_TYPE_INT16);
  return declaration;
}

class OutboxTest : public ::testing::Test {
 protected:
  std::unique_ptr<Outbox> Open(const fs::path& path) {
    auto outbox = Outbox::Open(path);
    EXPECT_THAT(outbox, IsOk());
    return outbox.ok() ? *std::move(outbox) : nullptr;
  }
  std::unique_ptr<Outbox> Open() { return Open(path()); }
  fs::path path() const { return folder_ / "outbox"; }

  // Declares "hr" and appends bodies "body 0", "body 1", ... after what is there.
  std::vector<ChunkRef> Append(Outbox& outbox, int count) {
    std::vector<ChunkRef> refs;
    const auto declared = outbox.DeclareStream("hr", Heart());
    EXPECT_THAT(declared, IsOk());
    for (int i = 0; i < count; ++i) {
      const auto ref = outbox.Append(declared->stream_id, [](const WriterId&, uint64_t number) {
        return "body " + std::to_string(number);
      });
      EXPECT_THAT(ref, IsOk());
      if (ref.ok()) refs.push_back(*ref);
    }
    return refs;
  }

  fs::path FileOf(const ChunkRef& ref, const std::string& suffix = ".chunk") const {
    std::string name = std::to_string(ref.number);
    name.insert(0, 20 - name.size(), '0');
    return path() / ref.stream_id.ToString() / ref.writer_id.ToString() / (name + suffix);
  }

  std::vector<uint64_t> PendingNumbers(const Outbox& outbox) const {
    std::vector<uint64_t> numbers;
    for (const ChunkRef& ref : outbox.Pending()) numbers.push_back(ref.number);
    return numbers;
  }

  TestFolder folder_;
};

TEST_F(OutboxTest, ReadsBackWhatWasAppended) {
  auto outbox = Open();
  const auto refs = Append(*outbox, 3);
  EXPECT_THAT(PendingNumbers(*outbox), ElementsAre(0, 1, 2));
  TM_ASSERT_OK_AND_ASSIGN(const ChunkBytes chunk, outbox->Read(refs[1]));
  EXPECT_EQ(chunk.body, "body 1");
  EXPECT_EQ(chunk.sha256, Sha256("body 1"));
}

TEST_F(OutboxTest, OpeningRebuildsEverything) {
  ChunkRef last;
  uint64_t bytes = 0;
  {
    auto outbox = Open();
    last = Append(*outbox, 3).back();
    bytes = outbox->pending_bytes();
  }
  auto outbox = Open();
  EXPECT_EQ(outbox->pending_chunks(), 3u);
  EXPECT_EQ(outbox->pending_bytes(), bytes);
  const auto more = Append(*outbox, 1);
  ASSERT_THAT(more, SizeIs(1));
  EXPECT_EQ(more[0].writer_id, last.writer_id);
  EXPECT_EQ(more[0].number, 3u);
  EXPECT_THAT(outbox->Streams(), SizeIs(1));
  EXPECT_THAT(outbox->Streams()[0].declarations, SizeIs(1));
}

TEST_F(OutboxTest, TheNewestNumberOutlivesItsBody) {
  {
    auto outbox = Open();
    const auto refs = Append(*outbox, 3);
    ASSERT_THAT(outbox->Delete(refs), IsOk());
    EXPECT_EQ(outbox->pending_chunks(), 0u);
    EXPECT_EQ(outbox->pending_bytes(), 0u);
  }
  {
    auto outbox = Open();
    EXPECT_EQ(Append(*outbox, 1)[0].number, 3u);
  }
  auto outbox = Open();
  EXPECT_THAT(PendingNumbers(*outbox), ElementsAre(3));
  EXPECT_EQ(Append(*outbox, 1)[0].number, 4u);
}

TEST_F(OutboxTest, ATombstoneGoesWhenANewerNumberIsOnDisk) {
  auto outbox = Open();
  const auto first = Append(*outbox, 1);
  ASSERT_THAT(outbox->Delete(first), IsOk());
  EXPECT_TRUE(fs::exists(FileOf(first[0], ".settled")));
  Append(*outbox, 1);
  EXPECT_FALSE(fs::exists(FileOf(first[0], ".settled")));
}

// What the disk may look like after a crash at each step of an append and of a deletion: copies of
// the folder are opened as the next process would.
TEST_F(OutboxTest, EveryStepOfAnAppendCanBeTheLast) {
  ChunkRef ref;
  {
    auto outbox = Open();
    ref = Append(*outbox, 2).back();
  }
  const auto next_number_in = [&](const fs::path& copy) {
    auto outbox = Open(copy);
    return Append(*outbox, 1)[0].number;
  };
  const auto copy_as = [&](const std::string& name) {
    const fs::path to = folder_ / name;
    fs::copy(path(), to, fs::copy_options::recursive);
    return to;
  };
  const fs::path relative = fs::relative(FileOf(ref), path());

  // The temporary file is half written: the number was never used.
  const fs::path half = copy_as("half");
  fs::rename(half / relative, fs::path(half / relative) += ".tmp");
  fs::resize_file(fs::path(half / relative) += ".tmp", 20);
  EXPECT_EQ(next_number_in(half), ref.number);
  EXPECT_FALSE(fs::exists(fs::path(half / relative) += ".tmp.tmp"));

  // The temporary file is whole but was not renamed.
  const fs::path whole = copy_as("whole");
  fs::rename(whole / relative, fs::path(whole / relative) += ".tmp");
  EXPECT_EQ(next_number_in(whole), ref.number);

  // It was renamed, and the process died before it could say so: the chunk counts.
  EXPECT_EQ(next_number_in(copy_as("renamed")), ref.number + 1);
}

TEST_F(OutboxTest, EveryStepOfADeletionCanBeTheLast) {
  ChunkRef ref;
  {
    auto outbox = Open();
    ref = Append(*outbox, 1).back();
  }
  // The tombstone is there, the body too: it is sent again and answered DUPLICATE.
  std::ofstream(FileOf(ref, ".settled")).close();
  {
    auto outbox = Open();
    EXPECT_THAT(PendingNumbers(*outbox), ElementsAre(0));
    ASSERT_THAT(outbox->Delete(std::vector{ref}), IsOk());
  }
  EXPECT_EQ(Append(*Open(), 1)[0].number, 1u);
}

TEST_F(OutboxTest, AFolderThatWasMadeButNotFilledIsANewWriter) {
  StreamId stream_id;
  WriterId writer_id;
  {
    auto outbox = Open();
    TM_ASSERT_OK_AND_ASSIGN(const auto declared, outbox->DeclareStream("hr", Heart()));
    stream_id = declared.stream_id;
    writer_id = outbox->Streams()[0].writer_id;
  }
  fs::create_directories(path() / stream_id.ToString() / writer_id.ToString());
  EXPECT_EQ(Append(*Open(), 1)[0].number, 0u);
}

TEST_F(OutboxTest, StrangeNamesAreLeftAlone) {
  ChunkRef ref;
  {
    auto outbox = Open();
    ref = Append(*outbox, 1)[0];
  }
  std::ofstream(FileOf(ref).parent_path() / "7.chunk") << "not ours";
  std::ofstream(path() / "notes.txt") << "not ours";
  fs::create_directories(path() / "lost+found");
  auto outbox = Open();
  EXPECT_THAT(PendingNumbers(*outbox), ElementsAre(0));
  EXPECT_TRUE(fs::exists(path() / "notes.txt"));
}

TEST_F(OutboxTest, DamageOnDiskIsFoundAndTheBodyKept) {
  auto outbox = Open();
  const auto refs = Append(*outbox, 2);
  {
    std::fstream file(FileOf(refs[0]), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('X');
  }
  fs::resize_file(FileOf(refs[1]), 10);
  for (const ChunkRef& ref : refs) {
    EXPECT_THAT(outbox->Read(ref), StatusIs(absl::StatusCode::kDataLoss));
    ASSERT_THAT(outbox->Keep(ref, "damaged"), IsOk());
  }
  EXPECT_THAT(PendingNumbers(*outbox), IsEmpty());
  const fs::path kept =
      path() / "kept" / refs[0].stream_id.ToString() / refs[0].writer_id.ToString();
  EXPECT_TRUE(fs::exists(kept / FileOf(refs[0]).filename()));
  EXPECT_TRUE(fs::exists(kept / FileOf(refs[0], ".reason").filename()));
  EXPECT_EQ(Append(*outbox, 1)[0].number, 2u);
}

TEST_F(OutboxTest, AKeptNewestNumberIsNotUsedAgain) {
  {
    auto outbox = Open();
    ASSERT_THAT(outbox->Keep(Append(*outbox, 1)[0], "refused"), IsOk());
  }
  EXPECT_EQ(Append(*Open(), 1)[0].number, 1u);
}

TEST_F(OutboxTest, AnotherProcessIsKeptOut) {
  auto outbox = Open();
  EXPECT_THAT(Outbox::Open(path()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another process")));
  outbox.reset();
  EXPECT_THAT(Outbox::Open(path()), IsOk());
}

TEST_F(OutboxTest, ANewWriterNumbersFromZeroAndLeavesTheOldBodies) {
  StreamId stream_id;
  {
    auto outbox = Open();
    const auto old = Append(*outbox, 2);
    stream_id = old[0].stream_id;
    ASSERT_THAT(outbox->StartNewWriter(stream_id), IsOk());
    const auto fresh = Append(*outbox, 1);
    EXPECT_NE(fresh[0].writer_id, old[0].writer_id);
    EXPECT_EQ(fresh[0].number, 0u);
    EXPECT_THAT(outbox->Read(old[1]), IsOk());
  }
  auto outbox = Open();
  EXPECT_THAT(outbox->Writers(), SizeIs(2));
  EXPECT_EQ(Append(*outbox, 1)[0].number, 1u);
}

TEST_F(OutboxTest, AStoppedStreamTakesNothingMoreAndKeepsWhatItHas) {
  {
    auto outbox = Open();
    const auto refs = Append(*outbox, 1);
    ASSERT_THAT(outbox->StopStream(refs[0].stream_id), IsOk());
  }
  auto outbox = Open();
  EXPECT_THAT(PendingNumbers(*outbox), ElementsAre(0));
  TM_ASSERT_OK_AND_ASSIGN(const auto declared, outbox->DeclareStream("hr", Heart()));
  EXPECT_THAT(outbox->Append(declared.stream_id, [](auto&&, uint64_t) { return "x"; }),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(OutboxTest, AChangedDeclarationIsANewVersion) {
  auto outbox = Open();
  TM_ASSERT_OK_AND_ASSIGN(const auto first, outbox->DeclareStream("hr", Heart()));
  TM_ASSERT_OK_AND_ASSIGN(const auto same, outbox->DeclareStream("hr", Heart()));
  v1::StreamDeclaration changed = Heart();
  changed.mutable_channels(0)->set_type(v1::CHANNEL_TYPE_FLOAT32);
  TM_ASSERT_OK_AND_ASSIGN(const auto second, outbox->DeclareStream("hr", changed));
  EXPECT_EQ(first.version, 1u);
  EXPECT_EQ(same.version, 1u);
  EXPECT_EQ(second.version, 2u);
  EXPECT_EQ(second.stream_id, first.stream_id);
}

TEST_F(OutboxTest, LimitsRefuseBeforeANumberIsUsed) {
  TM_ASSERT_OK_AND_ASSIGN(auto outbox, Outbox::Open(path(), {.pending_chunks_max = 2}));
  const auto refs = Append(*outbox, 2);
  const StreamId stream_id = refs[0].stream_id;
  const auto append = [&](size_t size) {
    return outbox->Append(stream_id, [&](auto&&, uint64_t) { return std::string(size, 'x'); });
  };
  EXPECT_THAT(append(1), StatusIs(absl::StatusCode::kResourceExhausted));
  ASSERT_THAT(outbox->Delete(std::vector{refs[0]}), IsOk());
  EXPECT_THAT(append(0), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(append(kBodyBytesMax + 1), StatusIs(absl::StatusCode::kInvalidArgument));
  TM_ASSERT_OK_AND_ASSIGN(const ChunkRef ref, append(kBodyBytesMax));
  EXPECT_EQ(ref.number, 2u);
  outbox.reset();
  EXPECT_THAT(Outbox::Open(path(), {.pending_chunks_max = 1}),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(OutboxTest, RecordsGoFirst) {
  auto outbox = Open();
  Append(*outbox, 1);
  v1::StreamDeclaration records;
  records.set_modality(v1::MODALITY_RECORDS);
  TM_ASSERT_OK_AND_ASSIGN(const auto declared, outbox->DeclareStream("device", records));
  ASSERT_THAT(outbox->Append(declared.stream_id, [](auto&&, uint64_t) { return "r"; }), IsOk());
  const auto pending = outbox->Pending();
  ASSERT_THAT(pending, SizeIs(2));
  EXPECT_EQ(pending[0].stream_id, declared.stream_id);
}

TEST_F(OutboxTest, AStreamsFileThatCannotBeReadIsAnErrorAndNotANewOutbox) {
  { Append(*Open(), 1); }
  std::ofstream(path() / "streams.json") << "{";
  EXPECT_THAT(Outbox::Open(path()), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace tidemark::ingest
