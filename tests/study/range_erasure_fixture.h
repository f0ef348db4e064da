// Recordings of one participant, and the way of a range of them from the request to the destroyed
// key.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "store/envelope.h"
#include "study/erasures.h"
#include "study/range_erasure_job.h"
#include "study/sql.h"
#include "tests/store/signal_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::study {

inline constexpr int32_t kDay = 20'000;  // of arrival, unless a test says otherwise
inline constexpr int64_t kChunkSeconds = 10;
inline constexpr int64_t kRateHz = 50;

inline absl::Time StartOfDay(int32_t utc_day) {
  return absl::UnixEpoch() + absl::Hours(24) * utc_day;
}
inline bool NeverStopping() { return false; }
inline ErasureJobOptions WithoutPause() {
  ErasureJobOptions options;
  options.wait = [](absl::Duration) {};
  return options;
}

class RangeErasureTest : public testing::Test {
 protected:
  using Numbers = std::set<int64_t>;

  // Ten chunks of ten seconds each, in segments of four, from the boot's zero; study time of the
  // boot's zero is store::kStudyZeroNs.
  StreamId Record(const std::string& name) {
    const StreamId stream = scene_.Declare(person_, name, store::Int16Channels(2, kRateHz));
    Add(stream, 0, 4);
    Add(stream, 4, 8);
    Add(stream, 8, 10);
    return stream;
  }
  // Chunks first to last-1 in one segment that arrived on a day.
  void Add(StreamId stream, int64_t first, int64_t last, int32_t utc_day = kDay) {
    std::vector<store::StoredChunk> chunks;
    for (int64_t number = first; number < last; ++number) {
      store::StoredChunk chunk;
      chunk.number = number;
      chunk.boot_id = boot_;
      chunk.first_counter = number * kChunkSeconds * kRateHz;
      chunk.stamps = store::RegularAt(number * kChunkSeconds * store::kNsPerS,
                                      kChunkSeconds * kRateHz, kRateHz);
      chunk.values = store::Int16Values(2, kChunkSeconds * kRateHz, [&](size_t c, size_t i) {
        return number * 1'000 + static_cast<int64_t>(i) + static_cast<int64_t>(c);
      });
      // Some bodies are stored whole.
      if (number % 3 == 2) chunk.form = store::SlotForm::kBody;
      chunks.push_back(chunk);
    }
    scene_.arrival_day_ = utc_day;
    scene_.AddSegment(person_, stream, chunks);
  }

  Call ManagerCall() const {
    Call call;
    call.principal_id = manager_;
    call.study_id = person_.study_id;
    call.participant_id = person_.participant_id;
    call.scope = db::AccessScope::Participant(person_.participant_id);
    call.deadline = absl::Now() + absl::Seconds(60);
    return call;
  }
  // Of seconds since the boot.
  static v1::EraseRangeRequest Request(int64_t begin_s, int64_t end_s,
                                       const std::vector<StreamId>& streams = {}) {
    v1::EraseRangeRequest request;
    request.set_request_id(Uuid::MakeRandom().ToString());
    request.set_reason("an evening at home");
    request.set_begin_ns(store::kStudyZeroNs + begin_s * store::kNsPerS);
    request.set_end_ns(store::kStudyZeroNs + end_s * store::kNsPerS);
    for (const StreamId stream : streams) request.add_stream_ids(stream.ToString());
    return request;
  }
  v1::Erasure Accept(const v1::EraseRangeRequest& request) {
    const auto asked = erasures_.EraseRange(ManagerCall(), request);
    EXPECT_THAT(asked, support::IsOk());
    return asked.ok() ? asked->erasure() : v1::Erasure();
  }
  v1::Erasure Get(const v1::Erasure& erasure) {
    v1::GetErasureRequest request;
    request.set_erasure_id(erasure.erasure_id());
    Call call = ManagerCall();
    call.scope = db::AccessScope::Study(person_.study_id);
    const auto found = erasures_.Get(call, request);
    EXPECT_THAT(found, support::IsOk());
    return found.ok() ? found->erasure() : v1::Erasure();
  }
  RangeErasureJob Worker() const {
    ErasureJobOptions options;
    options.wait = while_it_waits_;
    return {context_, clocks_, options};
  }
  // Until there is nothing more to do now.
  void RunAll() {
    for (int i = 0; i < 10; ++i) {
      const auto ran = Worker().RunOne(&NeverStopping);
      ASSERT_THAT(ran, support::IsOk());
      if (!*ran) return;
    }
    FAIL() << "a job comes again and again";
  }
  void SetClock(absl::Time time) { clock_.Advance(time - clock_.Now()); }
  // One chunk of a second from a second of the boot on, in a segment of its own.
  void AddOne(StreamId stream, int64_t number, int64_t second, BootId boot) {
    store::StoredChunk chunk;
    chunk.number = number;
    chunk.boot_id = boot;
    chunk.stamps = store::RegularAt(second * store::kNsPerS, 10, 10);
    chunk.values = store::Int16Values(2, 10, [](size_t, size_t i) { return i; });
    scene_.AddSegment(person_, stream, {chunk});
  }
  // Jobs wait by the clock of the database.
  void LetWaitingJobsRun() { scene_.database().Execute("update job set available_at = now()"); }
  std::string Value(const std::string& sql) { return scene_.database().QueryValue(sql); }

  // What readers say ------------------------------------------------------------------------------

  struct Samples {
    std::map<int64_t, std::string> readable;  // by number: counters, stamps and values
    Numbers erased, damaged;
    friend bool operator==(const Samples&, const Samples&) = default;
  };
  Samples Read(StreamId stream, const store::ReadRange& range = store::EverythingRange{}) {
    Samples samples;
    const auto opened = scene_.reader().OpenSamples(
        {person_.participant_id, stream, range, {}, false}, store::kNoDeadline);
    EXPECT_THAT(opened, support::IsOk());
    const auto take = [&](const store::ReadBlock& block) {
      std::string& bytes = samples.readable[block.chunk.number];
      AppendLe(bytes, block.first_counter);
      for (const int64_t stamp : block.stamps_ns) AppendLe(bytes, stamp);
      bytes += block.values;
      return absl::OkStatus();
    };
    const auto note = [&](const store::UnreadablePiece& piece) {
      const bool erased = piece.chunks.reason == store::UnreadableReason::kErased;
      for (int64_t n = piece.chunks.first_number; n <= piece.chunks.last_number; ++n) {
        (erased ? samples.erased : samples.damaged).insert(n);
      }
      return absl::OkStatus();
    };
    const store::SampleVisitor visitor{.block = take, .unreadable = note};
    while (true) {
      const auto more = (*opened)->Next(visitor);
      if (!more.ok() || !*more) break;
    }
    return samples;
  }
  Numbers Readable(StreamId stream) {
    Numbers numbers;
    for (const auto& [number, bytes] : Read(stream).readable) numbers.insert(number);
    return numbers;
  }
  store::VerifiedPage Verify() {
    const auto page = scene_.reader().VerifyStored(
        {person_.participant_id, {}, std::nullopt, 10'000}, store::kNoDeadline);
    EXPECT_THAT(page, support::IsOk());
    return *page;
  }
  store::SignalOverview Overview(StreamId stream, int64_t begin_s, int64_t end_s, size_t width) {
    const auto overview =
        scene_.reader().GetOverview({person_.participant_id,
                                     stream,
                                     {store::kStudyZeroNs + begin_s * store::kNsPerS,
                                      store::kStudyZeroNs + end_s * store::kNsPerS},
                                     width},
                                    store::kNoDeadline);
    EXPECT_THAT(overview, support::IsOk());
    return *overview;
  }
  static std::string Columns(const store::SignalOverview& overview) {
    std::string text = overview.from_samples ? "samples" : "tiles";
    for (const signal::Column& column : overview.overview.columns) {
      for (const signal::Extremes& each : column.channels) {
        text += fmt::format(" {}:{}..{}", each.finite, each.min, each.max);
      }
    }
    return text;
  }
  store::StreamCoverage Coverage(StreamId stream) {
    const auto coverage = scene_.reader().GetCoverage(
        {person_.participant_id, std::nullopt, 0, {stream}}, store::kNoDeadline);
    EXPECT_THAT(coverage, support::IsOk());
    return coverage->front();
  }
  // Chunks 3 to 5 cannot be read and all others can, whoever asks.
  void ExpectErased3To5(StreamId stream) {
    const Samples all = Read(stream);
    EXPECT_EQ(all.erased, (Numbers{3, 4, 5}));
    EXPECT_TRUE(all.damaged.empty());
    EXPECT_EQ(all.readable.size(), 7u);
    const store::StudyRange study{
        {store::kStudyZeroNs, store::kStudyZeroNs + 100 * store::kNsPerS}};
    EXPECT_EQ(Read(stream, study), all);
    const store::ScanRange device{boot_, 0, {0, 100 * store::kNsPerS}};
    EXPECT_EQ(Read(stream, device), all);
    for (const size_t width : {4, 2'000}) {
      const store::SignalOverview picture = Overview(stream, 0, 100, width);
      EXPECT_EQ(picture.from_samples, width > 1'000);
      ASSERT_EQ(picture.unreadable.size(), 1u);
      EXPECT_EQ(picture.unreadable[0].reason, store::UnreadableReason::kErased);
      EXPECT_EQ(picture.unreadable[0].study.begin_ns, store::kStudyZeroNs + 30 * store::kNsPerS);
      EXPECT_LT(picture.unreadable[0].study.end_ns, store::kStudyZeroNs + 60 * store::kNsPerS);
    }
    const store::StreamCoverage coverage = Coverage(stream);
    EXPECT_EQ(coverage.unreadable_chunks, 3);
    EXPECT_EQ(coverage.chunks, 10);
    ASSERT_FALSE(coverage.unreadable.empty());
    EXPECT_EQ(coverage.unreadable.front().study.begin_ns,
              store::kStudyZeroNs + 30 * store::kNsPerS);
  }
  void ExpectVerified(int64_t intact, size_t erased) {
    const store::VerifiedPage page = Verify();
    EXPECT_EQ(page.intact_chunks, intact);
    EXPECT_EQ(page.faults.size(), erased);
    for (const store::StoredFault& fault : page.faults) {
      EXPECT_EQ(fault.reason, store::UnreadableReason::kErased);
    }
  }

  // What lies there -------------------------------------------------------------------------------

  store::DataKeyName KeyName(StreamId stream, int32_t utc_day = kDay) const {
    return {.stream_id = stream, .utc_day = utc_day, .generation = 0};
  }
  absl::Status FindKey(StreamId stream, int32_t utc_day = kDay) {
    return scene_.keys().Find(person_.participant_id, KeyName(stream, utc_day)).status();
  }
  // The rows of all segments as a backup has them.
  struct StoredRow {
    StreamId stream_id;
    std::string segment_id, payload, tiles;
  };
  std::vector<StoredRow> Backup() {
    pqxx::connection connection(scene_.database().SuperuserDsn());
    pqxx::nontransaction tx(connection);
    std::vector<StoredRow> rows;
    for (const pqxx::row& row :
         tx.exec("select stream_id, segment_id, payload, tiles from segment")) {
      rows.push_back({*StreamId::Parse(row[0].c_str()), row[1].as<std::string>(),
                      db::BytesOf(row[2]), db::BytesOf(row[3])});
    }
    return rows;
  }
  absl::Status OpenRow(const StoredRow& row, const char* table, const std::string& sealed) {
    const SegmentId id = *SegmentId::Parse(row.segment_id);
    return store::OpenEnvelope(scene_.keys(), {table, person_.participant_id, id.AsBytes()},
                               row.stream_id, sealed)
        .status();
  }

  store::SignalScene scene_;
  const store::SignalScene::Person person_ = scene_.AddPerson();
  const BootId boot_ = BootId::MakeRandom();
  const PrincipalId manager_ = PrincipalId::MakeV7();
  ManualClock clock_{StartOfDay(kDay + 3)};
  db::Pool pool_{{.dsn = scene_.database().Dsn("tm_app"),
                  .connections_max = 4,
                  .statements = {sql::kAllStatements}}};
  store::ReaderPool readers_{{.dsn = scene_.database().Dsn("tm_read"), .connections_max = 2}};
  PolitePace::Wait while_it_waits_ = WithoutPause().wait;
  const Context context_{&pool_, &scene_.keys(), &clock_, "test-audience"};
  const ClockSources clocks_{&readers_, &scene_.placements()};
  const Erasures erasures_{context_, clocks_};

  void SetUp() override { scene_.AddClockPair(person_, boot_, 0, store::kStudyZeroNs); }
};

}  // namespace tidemark::study
