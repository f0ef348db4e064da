// The sealer against PostgreSQL: whatever happens while it works, every chunk is what it was.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <pqxx/pqxx>
#include <random>
#include <set>

#include "core/signal/int128.h"
#include "store/sealer/sealer.h"
#include "store/sealer/sealer_worker.h"
#include "tests/store/signal_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::sealer {
namespace {

using absl::StatusCode;
using store::ChunkRow;
using store::kNoDeadline;
using store::kNsPerS;
using store::kStudyZeroNs;
using store::SignalScene;
using store::StoredChunk;
using support::IsOk;
using support::StatusIs;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FreePacer final : public SealPacer {
 public:
  void Rest(absl::Duration, int64_t) override { ++rests_; }
  bool IsStopping() override { return rests_ >= rests_max_; }
  int rests_ = 0;
  int rests_max_ = 1'000'000;
};

// What a reader is given of one stretch of samples, or of one encoded segment.
struct ReadPiece {
  int64_t number = 0;
  uint64_t first_counter = 0;
  std::vector<int64_t> stamps_ns;
  std::string values;
  friend bool operator==(const ReadPiece&, const ReadPiece&) = default;
};
struct ReadAll {
  std::vector<ReadPiece> pieces;
  std::vector<std::pair<store::UnreadableReason, int64_t>> unreadable;  // with the first number
  friend bool operator==(const ReadAll&, const ReadAll&) = default;
};

class SealerTest : public testing::Test {
 protected:
  SealerTest() { scene_.AddClockPair(person_, boot_, 0, kStudyZeroNs); }

  SealerOptions Options() {
    SealerOptions options;
    options.store.dsn = scene_.database().Dsn("tm_app");
    options.keys = &scene_.keys();
    options.catalog = &scene_.catalog();
    options.clock = &clock_;
    return options;
  }
  // Everything that is there, whether it is settled or not.
  absl::StatusOr<int64_t> SealAll(Sealer& sealer) {
    FreePacer pacer;
    return sealer.RunOnce(pacer);
  }

  // Four seconds at 100 Hz, from where number 0 begins: 256 of them make a run.
  StoredChunk Motion(int64_t number, size_t samples = 400, size_t channels = 3) {
    StoredChunk chunk;
    chunk.number = number;
    chunk.boot_id = boot_;
    chunk.first_counter = number * static_cast<int64_t>(samples);
    chunk.stamps =
        store::RegularAt(number * static_cast<int64_t>(samples) * 10'000'000, samples, 100);
    std::mt19937 random(static_cast<uint32_t>(number));
    chunk.values = store::Int16Values(channels, samples, [&](size_t, size_t i) {
      return random() % 400 == 0 ? 30'000 : static_cast<int>(random() % 300) - static_cast<int>(i);
    });
    return chunk;
  }
  StreamId MotionStream(const std::string& name = "motion") {
    return scene_.Declare(person_, name, store::Int16Channels(3, 100));
  }
  // As commits of `per_commit` chunks would.
  void AddMotion(StreamId stream, std::vector<int64_t> numbers, size_t per_commit = 4) {
    for (size_t at = 0; at < numbers.size(); at += per_commit) {
      std::vector<StoredChunk> chunks;
      for (size_t i = at; i < std::min(at + per_commit, numbers.size()); ++i) {
        chunks.push_back(Motion(numbers[i]));
      }
      scene_.AddSegment(person_, stream, chunks);
    }
    Settle(stream, numbers);
  }
  static std::vector<int64_t> Numbers(int64_t begin, int64_t end) {
    std::vector<int64_t> numbers;
    for (int64_t number = begin; number < end; ++number) numbers.push_back(number);
    return numbers;
  }
  void Settle(StreamId stream, const std::vector<int64_t>& numbers) {
    std::string ranges;
    for (const int64_t number : numbers) {
      ranges += fmt::format("{}[{},{})", ranges.empty() ? "" : ",", number, number + 1);
    }
    scene_.database().Execute(
        fmt::format("insert into stream_state (participant_id, stream_id, writer_id, study_id, "
                    "device_id, stored,"
                    " last_receipt_at) values ('{0}', '{1}', '{2}', '{3}', '{4}', '{{{5}}}', now())"
                    " on conflict (participant_id, stream_id, writer_id) do update"
                    " set stored = stream_state.stored + excluded.stored",
                    person_.participant_id.ToString(), stream.ToString(), scene_.writer_.ToString(),
                    person_.study_id.ToString(), person_.device_id.ToString(), ranges));
  }

  // Everything of a stream, in the order of numbers.
  ReadAll Read(StreamId stream) {
    ReadAll all;
    const auto reading = scene_.reader().OpenSamples(
        {person_.participant_id, stream, store::EverythingRange{}, {}, true}, kNoDeadline);
    EXPECT_THAT(reading.status(), IsOk());
    const auto take = [&](const store::ReadBlock& block) {
      all.pieces.push_back({block.chunk.number,
                            block.first_counter,
                            {block.stamps_ns.begin(), block.stamps_ns.end()},
                            std::string(block.values) + std::string(block.encoded)});
      return absl::OkStatus();
    };
    const auto note = [&](const store::UnreadablePiece& piece) {
      all.unreadable.emplace_back(piece.chunks.reason, piece.chunks.first_number);
      return absl::OkStatus();
    };
    const store::SampleVisitor visitor{take, note};
    for (bool more = true; more;) {
      const auto next = (*reading)->Next(visitor);
      if (!next.ok()) break;
      more = *next;
    }
    return all;
  }
  // How many bodies still have the hash that the device sent.
  int64_t IntactChunks() {
    const auto page =
        scene_.reader().VerifyStored({person_.participant_id, {}, {}, 1'000'000}, kNoDeadline);
    EXPECT_THAT(page.status(), IsOk());
    return page.ok() ? page->intact_chunks : -1;
  }
  std::string Value(const std::string& sql) { return scene_.database().QueryValue(sql); }
  int64_t Count(const std::string& sql) { return std::stoll(Value(sql)); }
  int64_t LiveSegments() { return Count("select count(*) from segment where not sealed"); }
  int64_t Runs() { return Count("select count(*) from sealed_run"); }

  // What must hold of the tables at any time.
  void ExpectSound() {
    EXPECT_EQ(Count("select count(*) from chunk c left join segment s using (participant_id, "
                    "segment_id) where s.segment_id is null"),
              0)
        << "chunks point at nothing";
    EXPECT_EQ(Count("select count(*) from segment s where not exists (select from chunk c where "
                    "c.participant_id = s.participant_id and c.segment_id = s.segment_id)"),
              0)
        << "segments of no chunk";
    EXPECT_EQ(Count("select count(*) from segment where sealed <> (run_id is not null)"), 0);
    EXPECT_EQ(Count("select count(*) from segment s left join sealed_run r using (participant_id, "
                    "run_id) where s.run_id is not null and r.run_id is null"),
              0);
    EXPECT_EQ(Count("select count(*) from tile t left join sealed_run r using (participant_id, "
                    "run_id) where r.run_id is null"),
              0);
    EXPECT_EQ(
        Count("select count(*) from sealed_run r where chunks <> (select count(*) from segment "
              "s join chunk c using (participant_id, segment_id) where s.run_id = r.run_id)"),
        0);
    EXPECT_EQ(
        Count("select count(*) from sealed_run r where levels <> (select count(*) from tile t "
              "where t.run_id = r.run_id)"),
        0);
    EXPECT_EQ(Count("select count(*) from (select s.run_id from segment s join chunk c using "
                    "(participant_id, segment_id) where s.run_id is not null group by s.run_id "
                    "having count(distinct (c.writer_id, c.boot_id, c.clock_id, c.stream_version, "
                    "s.key_name)) > 1) mixed"),
              0)
        << "runs that mix";
  }

  absl::StatusOr<store::SignalOverview> Overview(StreamId stream, int64_t begin_ns, int64_t end_ns,
                                                 size_t width) {
    return scene_.reader().GetOverview(
        {person_.participant_id, stream, {kStudyZeroNs + begin_ns, kStudyZeroNs + end_ns}, width},
        kNoDeadline);
  }

  SignalScene scene_;
  const SignalScene::Person person_ = scene_.AddPerson();
  const BootId boot_ = BootId::MakeRandom();
  // Long after everything arrived: rows at the time of the scene, segments just now.
  ManualClock clock_{std::max(absl::Now(), absl::FromUnixSeconds(1'795'400'000)) + absl::Hours(2)};
};

TEST_F(SealerTest, EveryKindOfChunkIsWhatItWas) {
  const StreamId motion = MotionStream();
  AddMotion(motion, Numbers(0, 50));

  v1::StreamDeclaration stamped = store::Int16Channels(2, 0);
  stamped.set_stamped(true);
  stamped.mutable_channels(0)->set_type(v1::CHANNEL_TYPE_FLOAT32);
  stamped.mutable_channels(1)->set_type(v1::CHANNEL_TYPE_FLOAT64);
  const StreamId beats = scene_.Declare(person_, "beats", stamped);
  std::mt19937 random(3);
  for (int64_t number = 0; number < 12; ++number) {
    StoredChunk chunk{
        .number = number, .boot_id = boot_, .stamps = {}, .values = {}, .encoded = {}};
    std::vector<int64_t> stamps;
    for (int64_t i = 0; i < 40; ++i)
      stamps.push_back((number * 40 + i) * kNsPerS + random() % 1'000);
    if (number == 5) stamps[7] -= 3'600 * kNsPerS;  // an outlier
    chunk.stamps = signal::Stamps::Exact(stamps);
    for (int i = 0; i < 40; ++i) AppendLe(chunk.values, static_cast<float>(random()) / 7);
    for (int i = 0; i < 40; ++i)
      AppendLe(chunk.values, random() % 9 == 0 ? NAN : 1.0 / static_cast<double>(random()));
    if (number % 4 == 1) chunk.form = store::SlotForm::kBody;  // not as we would write it
    scene_.AddSegment(person_, beats, {chunk});
  }
  v1::StreamDeclaration media;
  media.set_modality(v1::MODALITY_ENCODED_VIDEO);
  media.set_media_type("video/hevc");
  const StreamId video = scene_.Declare(person_, "video", media);
  for (int64_t number = 0; number < 5; ++number) {
    StoredChunk chunk{
        .number = number, .boot_id = boot_, .stamps = {}, .values = {}, .encoded = {}};
    chunk.stamps = *signal::Stamps::Regular(number * kNsPerS, (number + 1) * kNsPerS, 2);
    for (int i = 0; i < 30'000; ++i) chunk.encoded.push_back(static_cast<char>(random()));
    scene_.AddSegment(person_, video, {chunk});
  }

  const std::vector<StreamId> streams = {motion, beats, video};
  std::vector<ReadAll> before;
  for (const StreamId stream : streams) before.push_back(Read(stream));
  EXPECT_EQ(before[0].pieces.size(), 50u);
  const int64_t intact = IntactChunks();
  EXPECT_EQ(intact, 67);
  const std::string hashes =
      Value("select md5(string_agg(sha256::text, '' order by stream_id, number)) from chunk");

  Sealer sealer(Options());
  EXPECT_THAT(SealAll(sealer), support::IsOkAndHolds(3));
  EXPECT_EQ(LiveSegments(), 0);
  ExpectSound();
  for (size_t i = 0; i < streams.size(); ++i) EXPECT_TRUE(Read(streams[i]) == before[i]) << i;
  EXPECT_EQ(IntactChunks(), intact);
  EXPECT_EQ(Value("select md5(string_agg(sha256::text, '' order by stream_id, number)) from chunk"),
            hashes);
  EXPECT_EQ(sealer.totals().chunks, 67);
  // Fewer rows: 12 commits of motion are one.
  EXPECT_LE(Count("select count(*) from segment"), 5);
  // Nothing is left to do.
  EXPECT_THAT(SealAll(sealer), support::IsOkAndHolds(0));
  TM_ASSERT_OK_AND_ASSIGN(const SealBacklog backlog, sealer.Backlog());
  EXPECT_EQ(backlog.segments, 0);
  EXPECT_EQ(backlog.faults, 0);
}

TEST_F(SealerTest, KilledBeforeAnyStatementItLosesNothingAndDoesNothingTwice) {
  std::set<std::string> steps;
  int deaths = 0;
  for (int64_t death = 0;; ++death) {
    const StreamId stream = MotionStream(fmt::format("motion{}", death));
    AddMotion(stream, Numbers(0, 24));
    Sealer first(Options());
    EXPECT_THAT(SealAll(first), support::IsOkAndHolds(1));
    AddMotion(stream, Numbers(30, 40));  // merged with the first by the next
    const ReadAll before = Read(stream);

    SealerOptions options = Options();
    int64_t step = 0;
    bool died = false;
    options.store.before_step = [&](std::string_view name) {
      steps.insert(std::string(name));
      if (step++ != death) return absl::OkStatus();
      died = true;
      return absl::CancelledError("killed");
    };
    Sealer killed(options);
    (void)SealAll(killed).ok();
    ExpectSound();
    ASSERT_TRUE(Read(stream) == before) << death;
    if (!died) break;
    ++deaths;
    scene_.database().Execute("update sealing_claim set lease_until = '-infinity'");
    Sealer next(Options());
    EXPECT_THAT(SealAll(next), support::IsOkAndHolds(1)) << death;
    ExpectSound();
    ASSERT_TRUE(Read(stream) == before) << death;
    EXPECT_EQ(LiveSegments(), 0);
  }
  EXPECT_GE(deaths, 12);
  EXPECT_TRUE(steps.contains("commit"));
  EXPECT_TRUE(steps.contains("delete_run_tiles"));
  EXPECT_EQ(IntactChunks(), 34 * (deaths + 1));
}

TEST_F(SealerTest, ABacklogInRandomOrderBecomesAFewRowsThatHoldAllOfIt) {
  const StreamId stream = MotionStream();
  std::vector<int64_t> numbers = Numbers(0, 512);
  std::shuffle(numbers.begin(), numbers.end(), std::mt19937(5));
  SealerOptions options = Options();
  options.patience = {.quiet = absl::Hours(9),
                      .wait_max = absl::Hours(9),
                      .live_chunks_max = 50,
                      .live_body_bytes_max = int64_t{32} << 20};
  Sealer sealer(options);
  for (size_t at = 0; at < numbers.size(); at += 64) {
    AddMotion(stream,
              {numbers.begin() + static_cast<ptrdiff_t>(at),
               numbers.begin() + static_cast<ptrdiff_t>(at + 64)},
              16);
    ASSERT_THAT(SealAll(sealer).status(), IsOk());
    EXPECT_LE(
        Count("select count(*) from segment s join chunk c using (participant_id, segment_id) "
              "where not sealed"),
        200);
    EXPECT_LE(
        Count("select coalesce(max(n), 0) from (select count(*) as n from sealed_run where not "
              "closed group by first_number >> cell_bits) cells"),
        4);
  }
  ExpectSound();
  EXPECT_EQ(LiveSegments(), 0);
  EXPECT_EQ(Count("select count(*) from sealed_run where not closed"), 0);
  EXPECT_EQ(Runs(), 2);  // of 256 numbers each
  EXPECT_EQ(Count("select max(levels) from sealed_run"), 5);
  EXPECT_EQ(IntactChunks(), 512);
  const ReadAll all = Read(stream);
  ASSERT_EQ(all.pieces.size(), 512u);
  for (size_t i = 0; i < all.pieces.size(); ++i) {
    ASSERT_EQ(all.pieces[i].number, static_cast<int64_t>(i));
    ASSERT_EQ(all.pieces[i].values, Motion(all.pieces[i].number).values);
  }
  // A sample was written anew a few times.
  EXPECT_LE(sealer.totals().chunks, 4 * 512);
}

TEST_F(SealerTest, WhatWasPackedInAHurryIsPackedAgainWhenThereIsTime) {
  const StreamId stream = MotionStream();
  AddMotion(stream, Numbers(0, 100));
  const ReadAll before = Read(stream);
  SealerOptions options = Options();
  options.hurry_bytes = -1;
  Sealer hurried(options);
  EXPECT_THAT(SealAll(hurried), support::IsOkAndHolds(1));
  EXPECT_EQ(hurried.totals().quick_runs, 1);
  EXPECT_EQ(Value("select dense || ' ' || closed from sealed_run"), "false false");
  EXPECT_EQ(LiveSegments(), 0);
  ExpectSound();
  EXPECT_TRUE(Read(stream) == before);
  const int64_t quick_bytes = Count("select sum(stored_bytes) from segment");
  // Something more comes, and is merged with what is packed already.
  AddMotion(stream, Numbers(100, 140));
  EXPECT_THAT(SealAll(hurried), support::IsOkAndHolds(1));
  EXPECT_EQ(Runs(), 1);

  Sealer sealer(Options());
  EXPECT_THAT(SealAll(sealer), support::IsOkAndHolds(1));
  EXPECT_THAT(SealAll(sealer), support::IsOkAndHolds(0));
  EXPECT_EQ(Value("select dense || ' ' || closed || ' ' || chunks from sealed_run"),
            "true false 140");
  EXPECT_LT(Count("select sum(stored_bytes) from segment"), quick_bytes * 140 / 100);
  ExpectSound();
  EXPECT_EQ(IntactChunks(), 140);
  // And dense ones with what comes in a hurry.
  AddMotion(stream, Numbers(140, 200));
  EXPECT_THAT(SealAll(hurried), support::IsOkAndHolds(1));
  EXPECT_EQ(Value("select dense || ' ' || chunks from sealed_run"), "false 200");
  ExpectSound();
  EXPECT_EQ(IntactChunks(), 200);
}

TEST_F(SealerTest, BootsClocksVersionsAndDaysAreNeverMixed) {
  const StreamId stream = MotionStream();
  scene_.DeclareVersion(person_, stream, 2, store::Int16Channels(2, 50));
  const BootId other = BootId::MakeRandom();
  for (int64_t number = 0; number < 96; ++number) {
    const int version = number % 5 == 0 ? 2 : 1;
    StoredChunk chunk = Motion(number, 100, version == 2 ? 2 : 3);
    if (number % 2 == 1) chunk.boot_id = other;
    if (number % 7 == 1) chunk.clock_id = 3;
    scene_.arrival_day_ = 20'000 + static_cast<int32_t>(number % 3);
    scene_.AddSegment(person_, stream, {chunk}, version);
  }
  Settle(stream, Numbers(0, 1'024));
  const ReadAll before = Read(stream);
  Sealer sealer(Options());
  TM_ASSERT_OK_AND_ASSIGN(const int64_t runs, SealAll(sealer));
  EXPECT_EQ(runs, 21);  // as many as there are different groups
  ExpectSound();
  EXPECT_EQ(LiveSegments(), 0);
  EXPECT_TRUE(Read(stream) == before);
  EXPECT_EQ(IntactChunks(), 96);
}

TEST_F(SealerTest, SealingFollowsWhatIsSettled) {
  const StreamId stream = MotionStream();
  clock_.Advance(absl::Now() - clock_.Now());
  AddMotion(stream, Numbers(0, 300), 50);
  scene_.database().Execute("update chunk set arrived_at = now()");
  Sealer sealer(Options());
  EXPECT_THAT(SealAll(sealer), support::IsOkAndHolds(1));  // the first 256 numbers
  TM_ASSERT_OK_AND_ASSIGN(SealBacklog backlog, sealer.Backlog());
  EXPECT_EQ(backlog.streams, 1);
  EXPECT_EQ(backlog.segments, 1);
  EXPECT_GT(backlog.bytes, 0);
  clock_.Advance(absl::Minutes(6));
  TM_ASSERT_OK_AND_ASSIGN(backlog, sealer.Backlog());
  EXPECT_GE(backlog.oldest, absl::Minutes(5));
  EXPECT_THAT(SealAll(sealer), support::IsOkAndHolds(1));
  EXPECT_EQ(LiveSegments(), 0);
  EXPECT_EQ(Value("select string_agg(closed::text, ' ' order by first_number) from sealed_run"),
            "true false");
  ExpectSound();
  // What comes later joins the run that is open, and completes it.
  AddMotion(stream, Numbers(300, 512), 100);
  EXPECT_THAT(SealAll(sealer), support::IsOkAndHolds(1));
  EXPECT_EQ(
      Value("select string_agg(closed::text || chunks, ' ' order by first_number) from sealed_run"),
      "true256 true256");
  ExpectSound();
  EXPECT_EQ(IntactChunks(), 512);
}

TEST_F(SealerTest, OneWorkerSealsAStreamAndOneThatLostItsClaimWritesNothing) {
  const StreamId stream = MotionStream();
  AddMotion(stream, Numbers(0, 8));
  SealStore mine({.dsn = scene_.database().Dsn("tm_app")});
  TM_ASSERT_OK_AND_ASSIGN(const std::vector<LiveStream> live,
                          mine.LiveStreams(person_.study_id, {}, clock_.Now()));
  ASSERT_EQ(live.size(), 1u);
  TM_ASSERT_OK_AND_ASSIGN(const auto claim, mine.Claim(live[0]));
  ASSERT_TRUE(claim.has_value());
  Sealer other(Options());
  EXPECT_THAT(SealAll(other), support::IsOkAndHolds(0));
  EXPECT_EQ(Runs(), 0);
  // It fell asleep, and another one took over in the middle of its swap.
  scene_.database().Execute("update sealing_claim set lease_until = '-infinity'");
  SealerOptions options = Options();
  options.store.before_step = [&](std::string_view step) {
    if (step == "lock_participant_to_seal") {
      scene_.database().Execute("update sealing_claim set fence = fence + 1");
    }
    return absl::OkStatus();
  };
  Sealer slow(options);
  EXPECT_THAT(SealAll(slow), support::IsOkAndHolds(0));
  EXPECT_EQ(slow.totals().collisions, 1);
  EXPECT_EQ(Runs(), 0);
  ExpectSound();
}

TEST_F(SealerTest, ClosingOrLeavingARunThatIsGoneChangesNothing) {
  AddMotion(MotionStream(), Numbers(0, 8));
  SealStore store({.dsn = scene_.database().Dsn("tm_app")});
  TM_ASSERT_OK_AND_ASSIGN(const std::vector<LiveStream> live,
                          store.LiveStreams(person_.study_id, {}, clock_.Now()));
  ASSERT_EQ(live.size(), 1u);
  TM_ASSERT_OK_AND_ASSIGN(const auto claim, store.Claim(live[0]));
  ASSERT_TRUE(claim.has_value());
  const std::vector<store::RunId> gone = {store::RunId::MakeV7()};
  EXPECT_THAT(store.CloseRuns(*claim, gone), support::IsOk());
  EXPECT_THAT(store.LeaveRuns(*claim, gone), support::IsOk());
  EXPECT_EQ(Runs(), 0);
}

TEST_F(SealerTest, WhatIsErasedBetweenReadingAndSwappingIsNotSealedAgain) {
  const StreamId stream = MotionStream();
  AddMotion(stream, Numbers(0, 20));
  SealerOptions options = Options();
  bool marked = false;
  options.store.before_step = [&](std::string_view step) {
    if (step == "lock_participant_to_seal" && !std::exchange(marked, true)) {
      scene_.database().Execute("update chunk set flags = flags | 4 where number in (3, 4)");
    }
    return absl::OkStatus();
  };
  Sealer sealer(options);
  EXPECT_THAT(SealAll(sealer), support::IsOkAndHolds(0));
  EXPECT_EQ(sealer.totals().collisions, 1);
  ExpectSound();
  EXPECT_THAT(SealAll(sealer), support::IsOkAndHolds(1));
  ExpectSound();
  EXPECT_EQ(LiveSegments(), 0);
  // Their numbers are there, their samples are not, wherever they are looked for.
  EXPECT_EQ(Value("select chunks || ' ' || samples from sealed_run"), "20 7200");
  const ReadAll all = Read(stream);
  EXPECT_EQ(all.pieces.size(), 18u);
  EXPECT_THAT(all.unreadable, ElementsAre(std::pair(store::UnreadableReason::kErased, int64_t{3})));
  TM_ASSERT_OK_AND_ASSIGN(const store::SignalOverview overview,
                          Overview(stream, 0, 80 * kNsPerS, 4));
  EXPECT_FALSE(overview.from_samples);
  ASSERT_EQ(overview.unreadable.size(), 1u);
  EXPECT_EQ(overview.unreadable[0].reason, store::UnreadableReason::kErased);
  EXPECT_EQ(overview.unreadable[0].study.begin_ns, kStudyZeroNs + 12 * kNsPerS);
}

TEST_F(SealerTest, OfAParticipantWhoWasErasedNothingIsSealed) {
  const StreamId stream = MotionStream();
  AddMotion(stream, Numbers(0, 20));
  SealerOptions options = Options();
  options.store.before_step = [&](std::string_view step) {
    if (step == "lock_participant_to_seal") {
      scene_.database().Execute("update participant set state = 4");
    }
    return absl::OkStatus();
  };
  Sealer sealer(options);
  EXPECT_THAT(SealAll(sealer), support::IsOkAndHolds(0));
  EXPECT_EQ(Runs(), 0);
  ExpectSound();
  // Their key goes, and then their rows.
  ASSERT_THAT(scene_.keys().DestroyParticipant(person_.participant_id), IsOk());
  EXPECT_THAT(SealAll(sealer).status(), IsOk());
  EXPECT_EQ(Runs(), 0);
}

TEST_F(SealerTest, ASegmentThatMovedToAnotherKeyIsNotTheOneThatWasRead) {
  const StreamId stream = MotionStream();
  AddMotion(stream, Numbers(0, 4));
  SealerOptions options = Options();
  options.store.before_step = [&](std::string_view step) {
    if (step == "lock_sources") {
      // As an erasure of a range does: the same row under another key.
      scene_.database().Execute(
          "update segment set payload = overlay(payload placing '\\x0000000000000000'::bytea from "
          "3)");
    }
    return absl::OkStatus();
  };
  Sealer sealer(options);
  EXPECT_THAT(SealAll(sealer), support::IsOkAndHolds(0));
  EXPECT_EQ(sealer.totals().collisions, 1);
  EXPECT_EQ(Runs(), 0);
}

TEST_F(SealerTest, ADamagedSegmentIsNamedAndLeftAndAllOthersGoOn) {
  const StreamId stream = MotionStream();
  AddMotion(stream, Numbers(0, 40));
  const StreamId other = MotionStream("other");
  AddMotion(other, Numbers(0, 8));
  const std::string poison = Value(
      "select segment_id from chunk where number = 17 and stream_id = '" + stream.ToString() + "'");
  const std::string whole =
      Value("select encode(payload, 'hex') from segment where segment_id = '" + poison + "'");
  scene_.database().Execute(
      "update segment set payload = overlay(payload placing '\\x55'::bytea from 60) where "
      "segment_id = '" +
      poison + "'");
  Sealer sealer(Options());
  ASSERT_THAT(SealAll(sealer).status(), IsOk());
  ASSERT_THAT(SealAll(sealer).status(), IsOk());
  EXPECT_EQ(Value("select segment_id from segment where not sealed"), poison);
  EXPECT_EQ(Value("select segment_id || ' ' || attempts from sealing_fault"), poison + " 1");
  EXPECT_EQ(IntactChunks(), 44);
  TM_ASSERT_OK_AND_ASSIGN(SealBacklog backlog, sealer.Backlog());
  EXPECT_EQ(backlog.faults, 1);
  EXPECT_EQ(backlog.segments, 0);
  ExpectSound();
  // Tried again after an hour; then the row was restored.
  clock_.Advance(absl::Minutes(61));
  ASSERT_THAT(SealAll(sealer).status(), IsOk());
  EXPECT_EQ(Value("select attempts from sealing_fault"), "2");
  scene_.database().Execute("update segment set payload = '\\x" + whole + "' where segment_id = '" +
                            poison + "'");
  clock_.Advance(absl::Hours(3));
  EXPECT_THAT(SealAll(sealer), support::IsOkAndHolds(1));
  EXPECT_EQ(LiveSegments(), 0);
  EXPECT_EQ(Count("select count(*) from sealing_fault"), 0);
  EXPECT_EQ(IntactChunks(), 48);
  ExpectSound();
}

TEST_F(SealerTest, AReaderInBetweenIsGivenEveryChunkOnce) {
  const StreamId stream = MotionStream();
  // More rows than a reader has in memory.
  AddMotion(stream, Numbers(0, 600), 3);
  int blocks = 0;
  std::set<int64_t> numbers;
  TM_ASSERT_OK_AND_ASSIGN(
      const auto reading,
      scene_.reader().OpenSamples(
          {person_.participant_id, stream, store::EverythingRange{}, {}, true}, kNoDeadline));
  const auto take = [&](const store::ReadBlock& block) {
    ++blocks;
    numbers.insert(block.chunk.number);
    EXPECT_EQ(block.values, Motion(block.chunk.number).values);
    return absl::OkStatus();
  };
  const auto refuse = [](const store::UnreadablePiece&) {
    return absl::InternalError("something is unreadable");
  };
  const store::SampleVisitor visitor{take, refuse};
  for (int i = 0; i < 100; ++i) ASSERT_THAT(reading->Next(visitor), support::IsOkAndHolds(true));
  Sealer sealer(Options());
  ASSERT_THAT(SealAll(sealer).status(), IsOk());
  EXPECT_EQ(LiveSegments(), 0);
  for (bool more = true; more;) {
    TM_ASSERT_OK_AND_ASSIGN(more, reading->Next(visitor));
  }
  EXPECT_EQ(blocks, 600);
  EXPECT_EQ(numbers.size(), 600u);
}

// A picture by a loop over all samples.
void ExpectShows(const store::SignalOverview& given, const ReadAll& all, int64_t begin_ns,
                 int64_t end_ns) {
  const size_t width = given.overview.columns.size();
  std::vector<uint64_t> counts(width);
  std::vector<double> low(width, 1e9), high(width, -1e9);
  for (const ReadPiece& piece : all.pieces) {
    for (size_t i = 0; i < piece.stamps_ns.size(); ++i) {
      const int64_t t_ns = piece.stamps_ns[i];
      if (t_ns < begin_ns || t_ns >= end_ns) continue;
      const auto column = static_cast<size_t>(static_cast<signal::Int128>(t_ns - begin_ns) *
                                              static_cast<int64_t>(width) / (end_ns - begin_ns));
      const auto value = LoadLe<int16_t>(piece.values.data() + 2 * i);
      ++counts[column];
      low[column] = std::min<double>(low[column], value);
      high[column] = std::max<double>(high[column], value);
    }
  }
  for (size_t c = 0; c < width; ++c) {
    const signal::Column& shown = given.overview.columns[c];
    if (counts[c] == 0) continue;
    ASSERT_GE(shown.samples, counts[c]);
    ASSERT_LE(shown.channels[0].min, low[c]) << c;
    ASSERT_GE(shown.channels[0].max, high[c]) << c;
    // At most the neighbours' spikes reach in.
    double near_low = low[c], near_high = high[c];
    for (size_t n = c == 0 ? 0 : c - 1; n <= std::min(c + 1, width - 1); ++n) {
      near_low = std::min(near_low, low[n]);
      near_high = std::max(near_high, high[n]);
    }
    ASSERT_GE(shown.channels[0].min, near_low) << c;
    ASSERT_LE(shown.channels[0].max, near_high) << c;
  }
}

TEST_F(SealerTest, PicturesShowTheSameSealedHalfSealedAndWhileItIsSealed) {
  const StreamId stream = MotionStream();
  // Holes that nobody fills, and one in the middle.
  std::vector<int64_t> numbers;
  for (int64_t number = 0; number < 400; ++number) {
    if (number % 97 != 5 && (number < 180 || number > 190)) numbers.push_back(number);
  }
  AddMotion(stream, numbers, 8);
  const ReadAll all = Read(stream);
  const int64_t total_ns = 400 * 4 * kNsPerS;
  const auto look = [&] {
    for (const auto& [begin_ns, end_ns, width] :
         {std::tuple(int64_t{0}, total_ns, size_t{20}),
          {int64_t{0}, total_ns, size_t{300}},
          {total_ns / 3, total_ns / 2, size_t{40}},
          {-total_ns, 2 * total_ns, size_t{111}},
          {int64_t{300} * kNsPerS + 7, int64_t{310} * kNsPerS, size_t{500}}}) {
      TM_ASSERT_OK_AND_ASSIGN(const store::SignalOverview given,
                              Overview(stream, begin_ns, end_ns, width));
      ExpectShows(given, all, begin_ns, end_ns);
    }
  };
  const auto gaps = [&] {
    const auto given = Overview(stream, 0, total_ns, 100);
    EXPECT_THAT(given.status(), IsOk());
    return given->overview.gaps;
  };
  look();
  const std::vector<signal::TimeRange> gaps_before = gaps();
  EXPECT_EQ(gaps_before.size(), 6u);
  TM_ASSERT_OK_AND_ASSIGN(const store::SignalOverview exact_before,
                          Overview(stream, 300 * kNsPerS, 310 * kNsPerS, 500));

  SealerOptions options = Options();
  int looks = 0;
  options.store.before_step = [&](std::string_view step) {
    if (step == "commit" && ++looks <= 3) {
      look();
      EXPECT_EQ(gaps(), gaps_before);
    }
    return absl::OkStatus();
  };
  Sealer sealer(options);
  FreePacer pacer;
  pacer.rests_max_ = 1;
  ASSERT_THAT(sealer.RunOnce(pacer).status(), IsOk());
  EXPECT_GT(LiveSegments(), 0);
  look();
  EXPECT_EQ(gaps(), gaps_before);
  ASSERT_THAT(SealAll(sealer).status(), IsOk());
  EXPECT_EQ(LiveSegments(), 0);
  look();
  EXPECT_EQ(gaps(), gaps_before);
  TM_ASSERT_OK_AND_ASSIGN(const store::SignalOverview exact_after,
                          Overview(stream, 300 * kNsPerS, 310 * kNsPerS, 500));
  ASSERT_TRUE(exact_after.from_samples);
  for (size_t c = 0; c < 500; ++c) {
    EXPECT_EQ(exact_after.overview.columns[c].channels, exact_before.overview.columns[c].channels);
    EXPECT_EQ(exact_after.overview.columns[c].samples, exact_before.overview.columns[c].samples);
  }
  EXPECT_EQ(exact_after.overview.before->t_ns, exact_before.overview.before->t_ns);
  EXPECT_EQ(exact_after.overview.after->values, exact_before.overview.after->values);
}

TEST_F(SealerTest, PicturesOfSealedDataKeepToConsent) {
  const StreamId stream = MotionStream();
  AddMotion(stream, Numbers(0, 150), 20);
  Sealer sealer(Options());
  ASSERT_THAT(SealAll(sealer).status(), IsOk());
  scene_.RecordConsent(person_, v1::DATA_KIND_OTHER, false, kStudyZeroNs + 200'500'000'000,
                       kStudyZeroNs + 400'250'000'000);
  TM_ASSERT_OK_AND_ASSIGN(const store::SignalOverview given,
                          Overview(stream, 0, 600 * kNsPerS, 60));
  EXPECT_FALSE(given.from_samples);
  ASSERT_EQ(given.unreadable.size(), 1u);
  EXPECT_EQ(given.unreadable[0].reason, store::UnreadableReason::kNoConsent);
  EXPECT_NEAR(static_cast<double>(given.unreadable[0].study.begin_ns - kStudyZeroNs), 200.5e9, 1e7);
  EXPECT_NEAR(static_cast<double>(given.unreadable[0].study.end_ns - kStudyZeroNs), 400.25e9, 1e7);
  for (size_t c = 0; c < 60; ++c) {
    const uint64_t samples = given.overview.columns[c].samples;
    if (c < 19 || c > 41) {
      EXPECT_GE(samples, 1'000u) << c;
    }
    if (c > 20 && c < 40) {
      EXPECT_EQ(samples, 0u) << c;
    }
  }
  // To the sample at the border.
  EXPECT_EQ(given.overview.columns[20].samples, 50u);
  EXPECT_GE(given.overview.columns[40].samples, 975u);
}

TEST_F(SealerTest, TilesThatAreDamagedAreMadeUpForBySamples) {
  const StreamId stream = MotionStream();
  AddMotion(stream, Numbers(0, 16));
  Sealer sealer(Options());
  ASSERT_THAT(SealAll(sealer).status(), IsOk());
  const ReadAll all = Read(stream);
  scene_.database().Execute(
      "update tile set payload = overlay(payload placing '\\x55'::bytea from 40)");
  TM_ASSERT_OK_AND_ASSIGN(const store::SignalOverview given, Overview(stream, 0, 64 * kNsPerS, 8));
  EXPECT_FALSE(given.from_samples);
  ExpectShows(given, all, 0, 64 * kNsPerS);
  EXPECT_THAT(given.unreadable, IsEmpty());
}

TEST_F(SealerTest, BytesAtRestCountTiles) {
  const StreamId stream = MotionStream();
  AddMotion(stream, Numbers(0, 16));
  Sealer sealer(Options());
  ASSERT_THAT(SealAll(sealer).status(), IsOk());
  TM_ASSERT_OK_AND_ASSIGN(
      const auto coverage,
      scene_.reader().GetCoverage({person_.participant_id, {}, 0, {}}, kNoDeadline));
  EXPECT_EQ(coverage.at(0).stored_bytes, Count("select sum(octet_length(payload)) from segment") +
                                             Count("select sum(octet_length(payload)) from tile"));
  EXPECT_EQ(Count("select sum(tile_bytes) from sealed_run"),
            Count("select sum(octet_length(payload)) from tile"));
}

TEST_F(SealerTest, TheWorkerSealsByItselfAndStopsWhenAsked) {
  const StreamId stream = MotionStream();
  AddMotion(stream, Numbers(0, 16));
  SealerWorker worker({.sealer = Options()});
  worker.Stop();  // after what it had begun
  worker.Stop();
  const SealerReadings readings = worker.readings();
  EXPECT_EQ(readings.totals.runs, Runs());
  ExpectSound();
}

TEST(SealerWorker, RestsByItsShareWhileIngestIsBusy) {
  const SealerWorkerOptions options;
  const absl::Duration worked = absl::Milliseconds(10);
  EXPECT_EQ(RestAfter(options, worked, /*busy=*/false, 1 << 30), absl::ZeroDuration());
  EXPECT_EQ(RestAfter(options, worked, /*busy=*/true, 0), absl::Milliseconds(30));
  EXPECT_EQ(RestAfter(options, worked, /*busy=*/true, 1 << 30), absl::Milliseconds(10));
  EXPECT_EQ(RestAfter(options, absl::Hours(1), /*busy=*/true, 0), absl::Seconds(2));
}

TEST_F(SealerTest, WithoutADatabaseItSaysSo) {
  SealerOptions options = Options();
  options.store.dsn = "host=/nowhere dbname=none";
  Sealer sealer(options);
  EXPECT_THAT(SealAll(sealer), StatusIs(StatusCode::kUnavailable));
}

}  // namespace
}  // namespace tidemark::sealer
