#include <fmt/format.h>

#include <limits>

#include "base/crypto.h"
#include "base/db/access_scope.h"
#include "base/db/pipeline.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"

namespace tidemark::db {
namespace {

using absl::StatusCode;
using support::EmptyDatabase;
using support::IsOk;
using support::StatusIs;
using testing::HasSubstr;

constexpr Statement kEcho{"echo", R"sql(
select $1::smallint, $2::int, $3::bigint, $4::boolean, $5::double precision, $6::uuid, $7::bytea,
       $8::text, $9::timestamptz, $10::bytea)sql"};
constexpr Statement kUnnest{"unnest", R"sql(
select u, i8, i2, i4, b, t
  from unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::int[], $5::bytea[], $6::text[])
       as a (u, i8, i2, i4, b, t))sql"};
constexpr Statement kPut{"put", "insert into blob (id, body) values ($1::int, $2::bytea)"};
constexpr Statement kPutAndGet{"put_and_get",
                               "insert into blob (id, body) values ($1::int, $2::bytea) "
                               "returning body"};
constexpr Statement kUpdateAll{"update_all", "update blob set body = $1::bytea"};
constexpr Statement kCount{"count", "select count(*) from blob"};
constexpr Statement kSeries{"series",
                            "select i::int, repeat('x', 1000) from generate_series(1, $1::int) i"};
constexpr Statement kDivide{"divide", "select 10 / (3 - i) from generate_series(1, $1::int) i"};
constexpr Statement kSleep{"sleep", "select pg_sleep(60)"};
constexpr Statement kDie{"die", "select pg_terminate_backend(pg_backend_pid())"};
constexpr Statement kSpring{"spring", "insert into trap values (1)"};
constexpr Statement kShow{"show", "select current_setting('app.participant_ids', true)"};
constexpr Statement kPutLate{"put_late", "insert into late values ($1::int)"};
constexpr Statement kPipelineStatements[] = {kEcho,   kUnnest, kPut,    kPutAndGet, kUpdateAll,
                                             kCount,  kSeries, kDivide, kSleep,     kDie,
                                             kSpring, kShow,   kPutLate};

// The constraint of `late` is checked at COMMIT; a row of `trap` ends its own session while it
// commits.
constexpr char kPipelineSchema[] = R"sql(
set role tm_owner;
create table blob (id int constraint blob_id_is_new primary key, body bytea not null);
create table trap (id int);
create function spring() returns trigger language plpgsql as
  'begin perform pg_terminate_backend(pg_backend_pid()); return null; end';
create constraint trigger spring after insert on trap deferrable initially deferred
  for each row execute function spring();
create table late (id int constraint late_is_new unique deferrable initially deferred);
)sql";
class Pipeline : public testing::Test {
 protected:
  using Step = PipelineConnection::Step;

  void SetUp() override {
    Database().Execute("truncate blob, late");
    Connect(/*statement_timeout_ms=*/30'000);
  }

  static const EmptyDatabase& Database() {
    static const EmptyDatabase database;
    [[maybe_unused]] static const bool created = [] {
      database.Execute(kPipelineSchema);
      return true;
    }();
    return database;
  }

  void Connect(int64_t statement_timeout_ms) {
    auto connection = PipelineConnection::Connect({.dsn = Database().OwnerDsn(),
                                                   .statement_timeout_ms = statement_timeout_ms,
                                                   .statements = {kPipelineStatements}});
    ASSERT_THAT(connection, IsOk());
    connection_ = *std::move(connection);
  }

  int64_t CountBlobs() {
    const auto result = connection_->Execute(kCount, {});
    return result.ok() ? result->Int64(0, 0) : -1;
  }

  static BinaryParams Blob(int32_t id, std::string_view body) {
    BinaryParams params;
    params.Add(id).AddBytea(body);
    return params;
  }

  std::unique_ptr<PipelineConnection> connection_;
  const BinaryParams none_;
};

TEST_F(Pipeline, EveryTypeSurvives) {
  const Uuid uuid = Uuid::MakeV7();
  const std::string bytes("\0\xff\0middle\0", 10);
  constexpr int64_t kBefore2000Us = -1;
  BinaryParams params;
  params.Add(std::numeric_limits<int16_t>::min())
      .Add(std::numeric_limits<int32_t>::min())
      .Add(std::numeric_limits<int64_t>::min())
      .Add(true)
      .Add(-0.1)
      .Add(uuid)
      .AddBytea(bytes)
      .AddText("grün")
      .AddTimestamp(kBefore2000Us)
      .AddNull();
  TM_ASSERT_OK_AND_ASSIGN(const BinaryResult row, connection_->Execute(kEcho, params));
  ASSERT_EQ(row.rows(), 1);
  EXPECT_EQ(row.Int16(0, 0), std::numeric_limits<int16_t>::min());
  EXPECT_EQ(row.Int32(0, 1), std::numeric_limits<int32_t>::min());
  EXPECT_EQ(row.Int64(0, 2), std::numeric_limits<int64_t>::min());
  EXPECT_TRUE(row.Bool(0, 3));
  EXPECT_EQ(row.Double(0, 4), -0.1);
  EXPECT_EQ(row.UuidAt(0, 5), uuid);
  EXPECT_EQ(row.Bytes(0, 6), bytes);
  EXPECT_EQ(row.Bytes(0, 7), "grün");
  EXPECT_EQ(row.TimestampUs(0, 8), kBefore2000Us);
  EXPECT_TRUE(row.IsNull(0, 9));
  EXPECT_FALSE(row.IsNull(0, 8));
  EXPECT_EQ(row.Bytes(0, 9), "");
}

TEST_F(Pipeline, SaysWhetherAResultIsTheOneExpected) {
  BinaryParams params;
  params.Add(int16_t{1}).Add(int32_t{2}).Add(int64_t{3}).Add(true).Add(0.5).Add(Uuid::MakeV7());
  params.AddBytea("b").AddText("t").AddTimestamp(0).AddNull();
  TM_ASSERT_OK_AND_ASSIGN(const BinaryResult row, connection_->Execute(kEcho, params));
  using Text = std::string_view;
  EXPECT_THAT((row.Expect<int16_t, int32_t, int64_t, bool, double, Uuid, Text, Text, Timestamp,
                          std::optional<Text>>()),
              IsOk());
  EXPECT_THAT(
      (row.Expect<int16_t, int32_t, int64_t, bool, double, Uuid, Text, Text, Timestamp, Text>()),
      StatusIs(StatusCode::kInternal, HasSubstr("column 9 (bytea) is null")));
  // The same width is not enough.
  EXPECT_THAT((row.Expect<int16_t, int32_t, double, bool, double, Uuid, Text, Text, Timestamp,
                          std::optional<Text>>()),
              StatusIs(StatusCode::kInternal, HasSubstr("column 2 (int8) has another type")));
  EXPECT_THAT((row.Expect<int16_t>()), StatusIs(StatusCode::kInternal, HasSubstr("10 columns")));
}

TEST_F(Pipeline, ArraysSurvive) {
  const std::vector<Uuid> uuids = {Uuid::MakeV7(), Uuid::MakeRandom()};
  const std::vector<int64_t> longs = {-1, std::numeric_limits<int64_t>::max()};
  const std::vector<int16_t> shorts = {-2, 7};
  const std::vector<int32_t> ints = {1 << 30, -3};
  const std::vector<std::string> blobs = {std::string("a\0b", 3), ""};
  const std::vector<std::string> texts = {"{\"quoted\", 'null'}", "NULL"};
  BinaryParams params;
  params.AddArray(uuids)
      .AddArray(longs)
      .AddArray(shorts)
      .AddArray(ints)
      .AddByteaArray(blobs)
      .AddTextArray(texts);
  TM_ASSERT_OK_AND_ASSIGN(const BinaryResult rows, connection_->Execute(kUnnest, params));
  ASSERT_EQ(rows.rows(), 2);
  for (int i = 0; i < 2; ++i) {
    const auto at = static_cast<size_t>(i);
    EXPECT_EQ(rows.UuidAt(i, 0), uuids[at]);
    EXPECT_EQ(rows.Int64(i, 1), longs[at]);
    EXPECT_EQ(rows.Int16(i, 2), shorts[at]);
    EXPECT_EQ(rows.Int32(i, 3), ints[at]);
    EXPECT_EQ(rows.Bytes(i, 4), blobs[at]);
    EXPECT_EQ(rows.Bytes(i, 5), texts[at]);
  }
}

TEST_F(Pipeline, EmptyArraysAreEmptyNotNull) {
  BinaryParams params;
  params.AddArray(std::span<const Uuid>())
      .AddArray(std::span<const int64_t>())
      .AddArray(std::span<const int16_t>())
      .AddArray(std::span<const int32_t>())
      .AddByteaArray({})
      .AddTextArray({});
  TM_ASSERT_OK_AND_ASSIGN(const BinaryResult rows, connection_->Execute(kUnnest, params));
  EXPECT_EQ(rows.rows(), 0);
}

TEST_F(Pipeline, ReadingANumberWithAnotherWidthEndsTheProcess) {
  BinaryParams params;
  params.Add(int32_t{1});
  TM_ASSERT_OK_AND_ASSIGN(const BinaryResult rows, connection_->Execute(kSeries, params));
  EXPECT_DEATH(rows.Int64(0, 0), "another type");
}

TEST_F(Pipeline, ATransactionGivesOneResultPerStep) {
  const BinaryParams one = Blob(1, "a");
  const BinaryParams two = Blob(2, "b");
  BinaryParams body;
  body.AddBytea("same");
  const Step steps[] = {
      {&kPut, &one}, {&kPutAndGet, &two}, {&kUpdateAll, &body}, {&kCount, &none_}};
  TM_ASSERT_OK_AND_ASSIGN(const auto results, connection_->RunTransaction("begin", steps));
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(results[0].affected(), 1);
  EXPECT_EQ(results[1].Bytes(0, 0), "b");
  EXPECT_EQ(results[2].affected(), 2);
  EXPECT_EQ(results[3].Int64(0, 0), 2);
  EXPECT_EQ(CountBlobs(), 2);
}

TEST_F(Pipeline, TheScopeHoldsForTheTransactionOnly) {
  const ParticipantId id = ParticipantId::MakeV7();
  const std::string begin = "begin; " + AccessScope::Participant(id).ToSql() + ";";
  const Step steps[] = {{&kShow, &none_}};
  TM_ASSERT_OK_AND_ASSIGN(const auto inside, connection_->RunTransaction(begin, steps));
  EXPECT_EQ(inside[0].Bytes(0, 0), id.ToString());
  TM_ASSERT_OK_AND_ASSIGN(const auto after, connection_->Execute(kShow, none_));
  EXPECT_EQ(after.Bytes(0, 0), "");
}

// Both directions are far larger than any socket buffer: whoever only writes or only reads hangs.
TEST_F(Pipeline, LargePayloadsBothWaysDoNotDeadlock) {
  constexpr int kCountOfPayloads = 32;
  std::vector<std::string> payloads;
  std::vector<BinaryParams> params;
  for (int i = 0; i < kCountOfPayloads; ++i) {
    payloads.push_back(RandomBytes(1 << 20));
    params.push_back(Blob(i, payloads.back()));
  }
  std::vector<Step> steps;
  for (const BinaryParams& each : params) steps.push_back({&kPutAndGet, &each});
  TM_ASSERT_OK_AND_ASSIGN(const auto results, connection_->RunTransaction("begin", steps));
  ASSERT_EQ(results.size(), payloads.size());
  for (size_t i = 0; i < payloads.size(); ++i) {
    EXPECT_TRUE(results[i].Bytes(0, 0) == payloads[i]) << i;
  }
}

TEST_F(Pipeline, AFailingStepRollsBackAllAndIsNamed) {
  const BinaryParams first = Blob(1, "a");
  const BinaryParams again = Blob(1, "b");
  const BinaryParams last = Blob(2, "c");
  const Step steps[] = {{&kPut, &first}, {&kCount, &none_}, {&kPut, &again}, {&kPut, &last}};
  size_t failed_step = 99;
  EXPECT_THAT(connection_->RunTransaction("begin", steps, &failed_step),
              StatusIs(StatusCode::kAlreadyExists,
                       testing::AllOf(HasSubstr("put"), HasSubstr("blob_id_is_new"))));
  EXPECT_EQ(failed_step, 2u);
  EXPECT_TRUE(connection_->healthy());
  EXPECT_EQ(CountBlobs(), 0);
  const Step retry[] = {{&kPut, &first}};
  EXPECT_THAT(connection_->RunTransaction("begin", retry), IsOk());
  EXPECT_EQ(CountBlobs(), 1);
}

TEST_F(Pipeline, AFailingBeginOrCommitIsNotAStep) {
  const BinaryParams blob = Blob(1, "a");
  const Step one[] = {{&kPut, &blob}};
  size_t failed_step = 99;
  EXPECT_THAT(
      connection_->RunTransaction("begin; set local statement_timeout = 'x'", one, &failed_step),
      StatusIs(StatusCode::kInvalidArgument));
  EXPECT_EQ(failed_step, 1u);
  EXPECT_EQ(CountBlobs(), 0);

  BinaryParams seven;
  seven.Add(int32_t{7});
  const Step twice[] = {{&kPut, &blob}, {&kPutLate, &seven}, {&kPutLate, &seven}};
  EXPECT_THAT(connection_->RunTransaction("begin", twice, &failed_step),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr("late_is_new")));
  EXPECT_EQ(failed_step, 3u);
  EXPECT_TRUE(connection_->healthy());
  EXPECT_EQ(CountBlobs(), 0);
}

TEST_F(Pipeline, AnEmptyTransactionIsFine) {
  TM_ASSERT_OK_AND_ASSIGN(const auto results, connection_->RunTransaction("begin", {}));
  EXPECT_TRUE(results.empty());
}

TEST_F(Pipeline, AStatementTimeoutLeavesTheConnectionUsable) {
  Connect(/*statement_timeout_ms=*/50);
  const Step steps[] = {{&kCount, &none_}, {&kSleep, &none_}};
  size_t failed_step = 99;
  EXPECT_THAT(connection_->RunTransaction("begin", steps, &failed_step),
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("sleep")));
  EXPECT_EQ(failed_step, 1u);
  EXPECT_THAT(connection_->Execute(kSleep, none_), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(CountBlobs(), 0);
}

TEST_F(Pipeline, ASessionThatDiesBeforeItsUseIsUnavailable) {
  TM_ASSERT_OK_AND_ASSIGN(const BinaryResult ignored, connection_->Execute(kCount, none_));
  Database().Execute(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
      "where application_name = 'tidemark' and datname = current_database()");
  const BinaryParams blob = Blob(1, "a");
  const Step steps[] = {{&kPut, &blob}};
  EXPECT_THAT(connection_->RunTransaction("begin", steps), StatusIs(StatusCode::kUnavailable));
  EXPECT_FALSE(connection_->healthy());
  EXPECT_THAT(connection_->Execute(kCount, none_), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(connection_->Run("begin", "begin"), StatusIs(StatusCode::kUnavailable));
}

// The server names the step that it died of, so nothing can have been committed.
TEST_F(Pipeline, ASessionThatDiesInAStepIsUnavailable) {
  const BinaryParams blob = Blob(1, "a");
  const Step steps[] = {{&kPut, &blob}, {&kDie, &none_}, {&kCount, &none_}};
  size_t failed_step = 99;
  EXPECT_THAT(connection_->RunTransaction("begin", steps, &failed_step),
              StatusIs(StatusCode::kUnavailable, HasSubstr("die")));
  EXPECT_EQ(failed_step, 1u);
  EXPECT_FALSE(connection_->healthy());
  EXPECT_EQ(Database().QueryValue("select count(*) from blob"), "0");
}

TEST_F(Pipeline, ASessionThatDiesInCommitLeavesTheOutcomeUnknown) {
  const Step steps[] = {{&kSpring, &none_}};
  size_t failed_step = 99;
  EXPECT_THAT(connection_->RunTransaction("begin", steps, &failed_step),
              StatusIs(StatusCode::kUnknown));
  EXPECT_EQ(failed_step, 1u);
  EXPECT_FALSE(connection_->healthy());
}

TEST_F(Pipeline, AnErrorOutsideATransactionLeavesTheConnectionUsable) {
  EXPECT_THAT(connection_->Execute(kPut, none_), testing::Not(IsOk()));  // parameters are missing
  EXPECT_THAT(connection_->Run("select * from nowhere", "look"),
              StatusIs(StatusCode::kInternal, HasSubstr("look")));
  EXPECT_EQ(CountBlobs(), 0);
}

TEST_F(Pipeline, RunAndExecuteShareATransaction) {
  ASSERT_THAT(connection_->Run("begin", "begin"), IsOk());
  ASSERT_THAT(connection_->Execute(kPut, Blob(1, "a")), IsOk());
  ASSERT_THAT(connection_->Run("rollback", "rollback"), IsOk());
  EXPECT_EQ(CountBlobs(), 0);
}

TEST_F(Pipeline, StreamsRowByRow) {
  BinaryParams params;
  params.Add(int32_t{20'000});
  int32_t seen = 0;
  EXPECT_THAT(connection_->Stream(kSeries, params,
                                  [&](const BinaryResult& row) {
                                    EXPECT_EQ(row.rows(), 1);
                                    EXPECT_EQ(row.Int32(0, 0), ++seen);
                                    return absl::OkStatus();
                                  }),
              IsOk());
  EXPECT_EQ(seen, 20'000);
}

TEST_F(Pipeline, ARefusedRowEndsTheStreamAndTheConnectionStaysUsable) {
  BinaryParams params;
  params.Add(int32_t{1'000'000});
  int seen = 0;
  EXPECT_THAT(connection_->Stream(kSeries, params,
                                  [&](const BinaryResult&) {
                                    return ++seen < 3 ? absl::OkStatus()
                                                      : absl::CancelledError("enough");
                                  }),
              StatusIs(StatusCode::kCancelled, "enough"));
  EXPECT_EQ(seen, 3);
  EXPECT_EQ(CountBlobs(), 0);
}

TEST_F(Pipeline, AnErrorInsideAStreamIsReturned) {
  BinaryParams params;
  params.Add(int32_t{5});
  EXPECT_THAT(
      connection_->Stream(kDivide, params, [](const BinaryResult&) { return absl::OkStatus(); }),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("divide")));
  EXPECT_EQ(CountBlobs(), 0);
}

TEST_F(Pipeline, ConnectSaysWhatIsWrong) {
  const Statement wrong[] = {{"find_nothing", "select * from nowhere"}};
  EXPECT_THAT(PipelineConnection::Connect({.dsn = Database().OwnerDsn(), .statements = {wrong}}),
              StatusIs(StatusCode::kInternal, HasSubstr("find_nothing")));
  EXPECT_THAT(PipelineConnection::Connect({.dsn = "host=/nonexistent dbname=t"}),
              StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(
      PipelineConnection::Connect({.dsn = Database().OwnerDsn(), .statement_timeout_ms = 0}),
      StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tidemark::db
