// A database that came back from a backup, beside a key store that remembers what was destroyed
// since: what it brought back is erased again. And the two threads that erase.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <thread>

#include "store/envelope.h"
#include "store/sealer/sealer.h"
#include "study/audit.h"
#include "study/erasure_job.h"
#include "study/erasure_request.h"
#include "study/erasure_worker.h"
#include "study/installation.h"
#include "study/jobs.h"
#include "study/restored_erasures.h"
#include "study/sql.h"
#include "tests/store/signal_scene.h"
#include "tests/support/status_matchers.h"

namespace tidemark::study {
namespace {

using support::IsOk;
using support::StatusIs;

constexpr int64_t kRestoredRateHz = 50;

class RestlessPacer final : public sealer::SealPacer {
 public:
  void Rest(absl::Duration, int64_t) override {}
  bool IsStopping() override { return false; }
};

class RestoredErasuresTest : public testing::Test {
 protected:
  using Person = store::SignalScene::Person;

  // Two segments of one stream that arrived on two days, with chunks 0 to 3 and 4 to 5.
  StreamId RecordTwoDays(const Person& person) {
    const StreamId stream =
        scene_.Declare(person, "motion", store::Int16Channels(1, kRestoredRateHz));
    Add(person, stream, 0, 4, 20'000);
    Add(person, stream, 4, 6, 20'001);
    return stream;
  }
  void Add(const Person& person, StreamId stream, int64_t first, int64_t last, int32_t utc_day) {
    std::vector<store::StoredChunk> chunks;
    for (int64_t number = first; number < last; ++number) {
      store::StoredChunk chunk;
      chunk.number = number;
      chunk.boot_id = boot_;
      chunk.stamps = store::RegularAt(number * store::kNsPerS, kRestoredRateHz, kRestoredRateHz);
      chunk.values =
          store::Int16Values(1, kRestoredRateHz, [](size_t, size_t i) { return int64_t(i); });
      chunks.push_back(chunk);
    }
    scene_.arrival_day_ = utc_day;
    scene_.AddSegment(person, stream, chunks);
  }

  // In runs (docs/adr/0026), one for each key.
  void Seal() {
    ManualClock later(std::max(absl::Now(), absl::FromUnixSeconds(1'795'400'000)) + absl::Hours(2));
    sealer::SealerOptions options;
    options.store.dsn = scene_.database().Dsn("tm_app");
    options.keys = &scene_.keys();
    options.catalog = &scene_.catalog();
    options.clock = &later;
    RestlessPacer pacer;
    ASSERT_THAT(sealer::Sealer(options).RunOnce(pacer).status(), IsOk());
  }

  absl::StatusOr<v1::ConfirmRestoredResponse> Confirm() {
    Call call;
    call.principal_id = operator_;
    call.is_operator = true;
    call.deadline = absl::Now() + absl::Seconds(30);
    v1::ConfirmRestoredRequest request;
    request.set_request_id(Uuid::MakeRandom().ToString());
    request.set_force(true);
    return Installation(context_).ConfirmRestored(call, request);
  }
  v1::Erasure Queue(const Person& person) {
    const auto queued = db::Transact(
        pool_, "queue", {{person.participant_id}, {person.study_id}},
        absl::Now() + absl::Seconds(10), [&](db::Transaction& tx) {
          return QueueErasure(tx, context_,
                              {person.participant_id, person.study_id, operator_, "asked"});
        });
    EXPECT_THAT(queued, IsOk());
    return queued.ok() ? *queued : v1::Erasure();
  }
  std::string Value(const std::string& sql) { return scene_.database().QueryValue(sql); }
  std::string RowsOf(const Person& person, const std::string& table) {
    return Value(fmt::format("select count(*) from {} where participant_id = '{}'", table,
                             person.participant_id.ToString()));
  }
  // Until the query answers "t"; whether it did.
  bool Await(const std::string& sql) {
    const absl::Time last = absl::Now() + absl::Seconds(20);
    while (absl::Now() < last) {
      if (Value(sql) == "t") return true;
      std::this_thread::yield();
    }
    return false;
  }
  // What the newest link about the restore says.
  std::string Evidence(StudyId study) {
    pqxx::connection connection(scene_.database().SuperuserDsn());
    pqxx::work tx(connection);
    const pqxx::result rows = tx.exec(
        fmt::format("select seq, body from audit where subject = '{}' order by seq desc limit 1",
                    study.ToString()));
    if (rows.empty()) return "";
    const auto body = OpenAuditBody(scene_.keys(), study.uuid, study.uuid, rows[0][0].as<int64_t>(),
                                    db::BytesOf(rows[0][1]));
    EXPECT_THAT(body, IsOk());
    return body.ok() && *body ? **body : "";
  }

  store::SignalScene scene_;
  const BootId boot_ = BootId::MakeRandom();
  const PrincipalId operator_ = PrincipalId::MakeV7();
  ManualClock clock_{absl::Now()};
  db::Pool pool_{{.dsn = scene_.database().Dsn("tm_app"),
                  .connections_max = 6,
                  .statements = {sql::kAllStatements}}};
  store::ReaderPool readers_{{.dsn = scene_.database().Dsn("tm_read"), .connections_max = 2}};
  const Context context_{&pool_, &scene_.keys(), &clock_, "test-audience"};
};

TEST_F(RestoredErasuresTest, WhoWasErasedSinceTheBackupIsErasedAgain) {
  const Person erased = scene_.AddPerson();
  const Person other = scene_.AddPerson();
  RecordTwoDays(erased);
  RecordTwoDays(other);
  ASSERT_THAT(scene_.keys().DestroyParticipant(erased.participant_id), IsOk());

  ASSERT_THAT(Confirm(), IsOk());
  EXPECT_EQ(Value("select string_agg(participant_id::text, ' ') from erasure"),
            erased.participant_id.ToString());
  EXPECT_EQ(Value("select count(*) from participant where state = 4"), "1");
  EXPECT_THAT(Evidence(other.study_id),
              testing::AllOf(testing::HasSubstr(R"("participants_erased_again":"1")"),
                             testing::HasSubstr(R"("chunks_erased_again":"0")")));
  ASSERT_THAT(ErasureJob(context_, {}).RunOne([] { return false; }), IsOk());
  for (const char* table : {"participant", "chunk", "segment", "stream"}) {
    EXPECT_EQ(RowsOf(erased, table), "0") << table;
    EXPECT_NE(RowsOf(other, table), "0") << table;
  }
  // Once more: everything is done.
  ASSERT_THAT(Confirm(), IsOk());
  EXPECT_EQ(Value("select count(*) from erasure"), "1");
  EXPECT_THAT(Evidence(other.study_id), testing::HasSubstr(R"("participants_erased_again":"0")"));
}

// An erasure that was under way when the backup was made goes on by its own job.
TEST_F(RestoredErasuresTest, AnErasureThatIsUnderWayIsNotEnteredTwice) {
  const Person erased = scene_.AddPerson();
  RecordTwoDays(erased);
  Queue(erased);
  ASSERT_THAT(scene_.keys().DestroyParticipant(erased.participant_id), IsOk());
  ASSERT_THAT(Confirm(), IsOk());
  EXPECT_EQ(Value("select count(*) from job"), "1");
}

TEST_F(RestoredErasuresTest, WhatDestroyedKeysSealedIsMarkedAsErased) {
  const Person person = scene_.AddPerson();
  const StreamId stream = RecordTwoDays(person);
  Seal();
  EXPECT_EQ(Value("select count(*) from sealed_run"), "2");
  ASSERT_THAT(scene_.keys().DestroyDataKey(
                  person.participant_id, {.stream_id = stream, .utc_day = 20'000, .generation = 0}),
              IsOk());
  EXPECT_EQ(Value("select count(*) from chunk where flags & 4 <> 0"), "0");
  ASSERT_THAT(Confirm(), IsOk());
  EXPECT_EQ(Value("select count(*) from sealed_run"), "1");
  EXPECT_EQ(Value("select count(*) from segment s join sealed_run r using (run_id)"
                  " join chunk c using (segment_id) where c.number = 4"),
            "1");
  EXPECT_EQ(Value("select string_agg(number::text, ' ' order by number) from chunk "
                  "where flags & 4 <> 0"),
            "0 1 2 3");
  EXPECT_EQ(Value("select count(*) from erasure"), "0");
  EXPECT_THAT(Evidence(person.study_id), testing::HasSubstr(R"("chunks_erased_again":"4")"));
  ASSERT_THAT(Confirm(), IsOk());
  EXPECT_THAT(Evidence(person.study_id), testing::HasSubstr(R"("chunks_erased_again":"0")"));
}

// A key that is gone without a mark may come back; one that cannot be asked about says nothing.
TEST_F(RestoredErasuresTest, WhoseKeysAreMissingIsNotErased) {
  const Person person = scene_.AddPerson();
  RecordTwoDays(person);
  scene_.LoseKeys(person);
  ASSERT_THAT(Confirm(), IsOk());
  EXPECT_EQ(Value("select count(*) from erasure"), "0");
  EXPECT_EQ(Value("select count(*) from chunk where flags & 4 <> 0"), "0");
  EXPECT_EQ(Value("select count(*) from participant where state = 1"), "1");
}

TEST_F(RestoredErasuresTest, AParticipantIsErasedWhileARangeIsHeldUp) {
  const Person of_range = scene_.AddPerson();
  const Person whole = scene_.AddPerson();
  const StreamId stream = RecordTwoDays(of_range);
  RecordTwoDays(whole);
  // A range whose worker cannot come to the participant's row.
  v1::Erasure range;
  range.set_erasure_id(Uuid::MakeV7().ToString());
  range.set_study_id(of_range.study_id.ToString());
  range.set_participant_id(of_range.participant_id.ToString());
  range.add_stream_ids(stream.ToString());
  ASSERT_THAT(db::RunInTransaction(pool_, "queue_range", db::AccessScope::None(),
                                   absl::Now() + absl::Seconds(10),
                                   [&](db::Transaction& tx) {
                                     InsertJob(tx, {.job_id = *Uuid::Parse(range.erasure_id()),
                                                    .kind = JobKind::kRangeErasure,
                                                    .study_id = of_range.study_id,
                                                    .participant_id = of_range.participant_id,
                                                    .payload = range.SerializeAsString()});
                                     return absl::OkStatus();
                                   }),
              IsOk());
  pqxx::connection connection(scene_.database().SuperuserDsn());
  pqxx::work lock(connection);
  lock.exec(fmt::format("select from participant where participant_id = '{}' for update",
                        of_range.participant_id.ToString()));
  ErasureWorker worker(context_, {&readers_, &scene_.placements()});
  ASSERT_TRUE(Await("select attempt = 1 from job where kind = 2"));
  const v1::Erasure asked = Queue(whole);
  EXPECT_TRUE(
      Await(fmt::format("select state = 2 from job where job_id = '{}'", asked.erasure_id())));
  EXPECT_EQ(RowsOf(whole, "participant"), "0");
  EXPECT_EQ(Value("select state from job where kind = 2"), "1");
  lock.abort();
  EXPECT_TRUE(Await("select state = 2 from job where kind = 2"));
}

}  // namespace
}  // namespace tidemark::study
