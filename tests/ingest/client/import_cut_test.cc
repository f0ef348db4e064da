// An import and the upload after it are cut off at every place where a crash can show, and
// repeated: the server then has every chunk once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>

#include "base/base64.h"
#include "base/status_macros.h"
#include "ingest/client/digest_sink.h"
#include "ingest/client/ledger.h"
#include "ingest/client/outbox_sink.h"
#include "tests/ingest/client/cut_here.h"
#include "tests/ingest/client/test_folder.h"
#include "tests/support/status_matchers.h"

namespace tidemark::ingest {
namespace {

namespace fs = std::filesystem;
using support::IsOk;

constexpr int kRunsPerStream = 3;
constexpr int kChunks = 2 * kRunsPerStream + 1;  // and the boot
constexpr int kUploadsAtOnce = 2;

// Two streams whose every run says which one it is.
absl::Status PlayTwoStreams(RecordingSink& sink) {
  TM_RETURN_IF_ERROR(sink.BeginBoot(*BootId::FromBytes(std::string(16, 'b')), {}));
  for (const char* name : {"acc", "hr"}) {
    v1::StreamDeclaration declaration;
    declaration.set_modality(v1::MODALITY_OTHER);
    TM_ASSIGN_OR_RETURN(const int stream, sink.DeclareStream(name, declaration));
    for (uint64_t run = 0; run < kRunsPerStream; ++run) {
      TM_RETURN_IF_ERROR(sink.Append(
          stream,
          {.first_counter = run, .stamps = signal::Stamps::Exact({int64_t(run)}), .values = name}));
    }
  }
  return absl::OkStatus();
}

Sha256Digest IdentityOf(const std::function<absl::Status(RecordingSink&)>& play) {
  RecordingDigest digest;
  EXPECT_THAT(play(digest), IsOk());
  return digest.Finish();
}

// What a device does: takes the recording, then hands over what waits, some chunks at a time: the
// server has them (a folder by hash), the ledger says so, the outbox lets go.
absl::Status ImportAndUpload(const fs::path& device, const fs::path& server) {
  TM_ASSIGN_OR_RETURN(const auto outbox, Outbox::Open(device / "outbox"));
  OutboxSink sink(*outbox, IdentityOf(PlayTwoStreams));
  TM_RETURN_IF_ERROR(PlayTwoStreams(sink));
  TM_RETURN_IF_ERROR(sink.Finish());
  TM_ASSIGN_OR_RETURN(Ledger ledger, Ledger::Open(device / "receipts.ledger"));
  std::vector<ChunkRef> pending = outbox->Pending();
  for (size_t at = 0; at < pending.size(); at += kUploadsAtOnce) {
    const auto some =
        std::span(pending).subspan(at, std::min<size_t>(kUploadsAtOnce, pending.size() - at));
    std::vector<v1::Receipt> receipts;
    for (const ChunkRef& ref : some) {
      TM_ASSIGN_OR_RETURN(const ChunkBytes chunk, outbox->Read(ref));
      std::ofstream(server / HexEncode(AsView(chunk.sha256))) << chunk.body;
      receipts.emplace_back().set_statement(std::string(AsView(chunk.sha256)));
    }
    TM_RETURN_IF_ERROR(ledger.Append(receipts));
    TM_RETURN_IF_ERROR(outbox->Delete(some));
  }
  return absl::OkStatus();
}

// In a process of its own, killed after `calls`; true if it came to its end.
bool RunCutAfter(int calls, const fs::path& device, const fs::path& server) {
  const pid_t child = ::fork();
  if (child == 0) {
    CutAfter(calls);
    ::_exit(ImportAndUpload(device, server).ok() ? 0 : 1);
  }
  int state = 0;
  ::waitpid(child, &state, 0);
  EXPECT_TRUE(WIFSIGNALED(state) ? WTERMSIG(state) == SIGKILL : WEXITSTATUS(state) == 0) << calls;
  return WIFEXITED(state);
}

// Stream, counter and values of everything that the server was given, however often.
std::multiset<std::string> SamplesAt(const fs::path& server) {
  std::multiset<std::string> samples;
  for (const auto& entry : fs::directory_iterator(server)) {
    std::ifstream file(entry.path(), std::ios::binary);
    v1::ChunkBody body;
    EXPECT_TRUE(body.ParseFromIstream(&file));
    samples.insert(HexEncode(body.stream_id()) + "/" +
                   std::to_string(body.samples().first_counter()) + body.samples().values());
  }
  return samples;
}

TEST(ImportCut, AnywhereAndRepeatedGivesEverySampleOnce) {
  int cuts = 0;
  for (bool ended = false; !ended; ++cuts) {
    const TestFolder folder;
    fs::create_directories(folder / "server");
    ended = RunCutAfter(cuts, folder / "device", folder / "server");
    ASSERT_THAT(ImportAndUpload(folder / "device", folder / "server"), IsOk()) << cuts;
    const auto samples = SamplesAt(folder / "server");
    EXPECT_EQ(samples.size(), size_t{kChunks}) << cuts;
    EXPECT_EQ(std::set<std::string>(samples.begin(), samples.end()).size(), size_t{kChunks})
        << cuts;
    TM_ASSERT_OK_AND_ASSIGN(const auto outbox, Outbox::Open(folder / "device/outbox"));
    EXPECT_EQ(outbox->pending_chunks(), 0u) << cuts;
  }
  EXPECT_GT(cuts, 40) << "fewer places to cut than files written: nothing was cut";
}

TEST(ImportCut, WhatWasImportedIsNotImportedAgain) {
  const TestFolder folder;
  TM_ASSERT_OK_AND_ASSIGN(const auto outbox, Outbox::Open(folder / "outbox"));
  const Sha256Digest identity = IdentityOf(PlayTwoStreams);
  for (const uint64_t before : {0, kChunks}) {
    OutboxSink sink(*outbox, identity);
    ASSERT_THAT(PlayTwoStreams(sink), IsOk());
    ASSERT_THAT(sink.Finish(), IsOk());
    EXPECT_EQ(sink.chunks(), kChunks - before);
    EXPECT_EQ(sink.chunks_before(), before);
  }
  EXPECT_EQ(outbox->pending_chunks(), size_t{kChunks});
  // Another recording of the same streams is something else, and so is what the device records
  // live.
  const auto play_more = [](RecordingSink& sink) -> absl::Status {
    TM_RETURN_IF_ERROR(PlayTwoStreams(sink));
    return sink.Append(0, {.stamps = signal::Stamps::Exact({99}), .values = "more"});
  };
  const Sha256Digest more = IdentityOf(play_more);
  EXPECT_NE(more, identity);
  OutboxSink second(*outbox, more);
  ASSERT_THAT(play_more(second), IsOk());
  ASSERT_THAT(second.Finish(), IsOk());
  EXPECT_EQ(second.chunks(), uint64_t{kChunks + 1});
  OutboxSink live(*outbox);
  ASSERT_THAT(PlayTwoStreams(live), IsOk());
  ASSERT_THAT(live.Finish(), IsOk());
  EXPECT_EQ(live.chunks(), uint64_t{kChunks});
}

// Each part of what a recording says makes it another one.
TEST(ImportCut, ARecordingIsNamedByAllThatItSays) {
  const auto with = [](int change) {
    return IdentityOf([change](RecordingSink& sink) -> absl::Status {
      const auto is = [change](int what) { return change == what ? 1 : 0; };
      v1::BootStart start;
      start.set_wall_ns(is(1));
      TM_RETURN_IF_ERROR(
          sink.BeginBoot(*BootId::FromBytes(std::string(16, static_cast<char>(is(2)))), start));
      v1::ClockPair pair;
      pair.set_sensor_ns(is(3));
      TM_RETURN_IF_ERROR(sink.AddClockPair(pair));
      v1::Probe probe;
      probe.set_t1_device_ns(is(4));
      TM_RETURN_IF_ERROR(sink.AddProbe(probe));
      v1::StreamDeclaration declaration;
      declaration.set_stamped(is(5) == 1);
      TM_RETURN_IF_ERROR(sink.DeclareStream(is(6) == 1 ? "b" : "a", declaration).status());
      TM_RETURN_IF_ERROR(sink.Append(0, {.first_counter = uint64_t(is(7)),
                                         .stamps = signal::Stamps::Exact({is(8)}),
                                         .values = is(9) == 1 ? "x" : "y",
                                         .clock_id = uint32_t(is(10))}));
      return sink.AppendEncoded(0, is(11), is(12) + 5, uint32_t(is(13)), is(14) == 1 ? "p" : "q");
    });
  };
  std::set<Sha256Digest> digests;
  for (int change = 0; change <= 14; ++change) digests.insert(with(change));
  EXPECT_EQ(digests.size(), 15u);
  EXPECT_EQ(with(0), with(0));
}

}  // namespace
}  // namespace tidemark::ingest
