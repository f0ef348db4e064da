#include <deque>
#include <fstream>

#include "ingest/admission.h"
#include "ingest/batch_commit.h"
#include "ingest/number_ranges.h"
#include "tests/ingest/admission_scene.h"
#include "tests/ingest/ingest_fixture.h"

namespace tidemark::ingest {
namespace {

using ::testing::Eq;
using ::testing::Optional;

// Knows one stream, whoever asks.
class OneStream : public AdmissionScene {
 public:
  explicit OneStream(std::shared_ptr<const store::StreamInfo> stream)
      : stream_(std::move(stream)) {}
  absl::StatusOr<FoundStream> FindStream(StreamId, int32_t) override {
    return FoundStream{stream_, stream_};
  }

 private:
  const std::shared_ptr<const store::StreamInfo> stream_;
};

// Two participants whose chunks meet in one commit.
class BatchCommitTest : public IngestFixture {
 protected:
  BatchCommitTest() : first_(AddDevice(1)), second_(AddDevice(2)) {
    AddStream(first_, kStreamOfFirst);
    AddStream(second_, kStreamOfSecond);
  }

  // Adds a chunk to the next batch; of a stream that nobody declared, it is to be set aside.
  const std::optional<Verdict>& Add(const Sender& sender, uint8_t stream, uint64_t number) {
    const std::string raw = SamplesBody(stream, number).SerializeAsString();
    OneStream source(stream == kUnknownStream
                         ? nullptr
                         : std::make_shared<store::StreamInfo>(StreamOf(sender, stream)));
    source.decisions = decisions_;
    auto decision = AdmitBody(sender, raw, std::string(AsView(Sha256(raw))), source);
    EXPECT_THAT(decision, support::IsOk());
    batch_.push_back({sender, *std::move(decision), std::nullopt});
    return batch_.back().verdict;
  }
  absl::Status Commit() {
    ChunkStore store(ChunkStoreOptions{.dsn = database_.Dsn("tm_ingest"),
                                       .keys = keys_.get(),
                                       .clock = &Clock::Real(),
                                       .quotas = quotas_});
    StopFlag stop;
    std::vector<WriteItem> items;
    for (Entry& entry : batch_) items.push_back({&entry.sender, &entry.decision, &entry.verdict});
    return BatchCommit(&store, patience_, &stop).Run(std::move(items));
  }

  void DamageKeyOfFirst() {
    const std::string id = first_.participant_id.ToString();
    std::fstream key(folder_ / "participants" / id.substr(34) / id / "key",
                     std::ios::in | std::ios::out | std::ios::binary);
    ASSERT_TRUE(key.is_open());
    key.seekg(-1, std::ios::end);
    const auto last = static_cast<char>(key.get() ^ 1);
    key.seekp(-1, std::ios::end);
    key.put(last);
    key.close();
    auto keys = store::OpenFolderKeyStore({.folder = folder_.string()});
    ASSERT_THAT(keys, support::IsOk());
    keys_ = *std::move(keys);
  }

  std::vector<store::ConsentDecision> decisions_ = ConsentToEverything();  // of who sends next

  static constexpr uint8_t kStreamOfFirst = 1;
  static constexpr uint8_t kStreamOfSecond = 2;
  static constexpr uint8_t kUnknownStream = 9;

  struct Entry {
    Sender sender;
    Decision decision;
    std::optional<Verdict> verdict;
  };
  const Sender first_;
  const Sender second_;
  std::deque<Entry> batch_;
};

TEST_F(BatchCommitTest, AKeyThatFailsIsTheMatterOfItsParticipantAlone) {
  Add(first_, kStreamOfFirst, 0);
  ASSERT_THAT(Commit(), support::IsOk());
  batch_.clear();
  DamageKeyOfFirst();

  const auto& chunk = Add(first_, kStreamOfFirst, 1);
  const auto& set_aside = Add(first_, kUnknownStream, 0);
  const auto& other_chunk = Add(second_, kStreamOfSecond, 0);
  const auto& other_set_aside = Add(second_, kUnknownStream, 0);
  ASSERT_THAT(Commit(), support::IsOk());
  const auto waits =
      Optional(Eq(Verdict::RetryAfter(v1::RECEIPT_REASON_OVERLOADED, kKeyFaultRetryMs)));
  EXPECT_THAT(chunk, waits);
  EXPECT_THAT(set_aside, waits);
  EXPECT_THAT(other_chunk, Optional(Eq(Verdict::Stored())));
  EXPECT_THAT(other_set_aside,
              Optional(Eq(Verdict::Quarantined(v1::RECEIPT_REASON_STREAM_UNKNOWN))));
  EXPECT_EQ(Query("select count(*) from stream_state"), "3") << "none for what was refused";
}

TEST_F(BatchCommitTest, AnErasureIsToldThoughTheDatabaseHasNoRoom) {
  ASSERT_THAT(keys_->DestroyParticipant(first_.participant_id), support::IsOk());
  database_.Execute(
      "create function fill() returns trigger language plpgsql as "
      "$$ begin raise exception 'full' using errcode = '53100'; end $$;"
      "create trigger fill before insert on chunk for each row execute function fill();"
      "create trigger fill before insert on quarantine for each row execute function fill()");
  const auto& chunk = Add(first_, kStreamOfFirst, 0);
  const auto& set_aside = Add(first_, kUnknownStream, 0);
  const auto& other_chunk = Add(second_, kStreamOfSecond, 0);
  const auto& other_set_aside = Add(second_, kUnknownStream, 0);
  ASSERT_THAT(Commit(), support::IsOk());
  const auto stops = Optional(Eq(Verdict::StopAndDelete(v1::RECEIPT_REASON_NO_CONSENT)));
  const auto waits =
      Optional(Eq(Verdict::RetryAfter(v1::RECEIPT_REASON_OVERLOADED, kOverloadedRetryMs)));
  EXPECT_THAT(chunk, stops);
  EXPECT_THAT(set_aside, stops);
  EXPECT_THAT(other_chunk, waits);
  EXPECT_THAT(other_set_aside, waits);
}

// Bytes that must not be kept are not set aside for a database that fails.
TEST_F(BatchCommitTest, ARefusalThatTheDatabaseRejectsWaits) {
  for (store::ConsentDecision& each : decisions_) each.granted = false;
  const auto& refused = Add(first_, kStreamOfFirst, 0);
  database_.Execute("alter table stream_state add constraint broken check (isempty(refused))");
  EXPECT_THAT(Commit(), support::IsOk());
  EXPECT_THAT(
      refused,
      Optional(Eq(Verdict::RetryAfter(v1::RECEIPT_REASON_STORE_REJECTED, kRejectedRetryMs))));
  EXPECT_EQ(Query("select count(*) from quarantine"), "0");
}

// A device cannot fill a row with holes by what is refused either.
TEST_F(BatchCommitTest, TooManyRunsOfRefusedNumbersAreToldByTheReceiptAlone) {
  for (store::ConsentDecision& each : decisions_) each.granted = false;
  Add(first_, kStreamOfFirst, 0);
  EXPECT_THAT(Commit(), support::IsOk());
  database_.Execute(fmt::format(
      "update stream_state set refused = (select range_agg(int8range(2 * n, 2 * n + 1)) from "
      "generate_series(0, {} - 1) as n)",
      kRunsPerSetMax));
  batch_.clear();
  const auto& more = Add(first_, kStreamOfFirst, 3 * uint64_t{kRunsPerSetMax});
  EXPECT_THAT(Commit(), support::IsOk());
  EXPECT_THAT(more, Optional(Eq(Verdict::StopAndDelete(v1::RECEIPT_REASON_NO_CONSENT))));
  EXPECT_EQ(Query("select count(*) from stream_state s, unnest(s.refused)"),
            std::to_string(kRunsPerSetMax));
}

}  // namespace
}  // namespace tidemark::ingest
