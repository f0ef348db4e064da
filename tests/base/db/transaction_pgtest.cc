#include <string>

#include "base/db/transaction.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"

namespace tidemark::db {
namespace {

using absl::StatusCode;
using support::EmptyDatabase;
using support::IsOk;
using support::IsOkAndHolds;
using support::StatusIs;
using testing::HasSubstr;

constexpr Statement kAddNote{
    "add_note", "insert into note (participant_id, body) values ($1::uuid, $2::bytea)"};
constexpr Statement kNotes{"notes", "select body from note order by body"};
constexpr Statement kTransactionStatements[] = {kAddNote, kNotes};

// `note` is a participant table as in the real schema, its owner bound by forced row security;
// a row of `trap` ends its own session while it commits.
constexpr char kTransactionSchema[] = R"sql(
set role tm_owner;
create table note (participant_id uuid not null, body bytea not null,
                   constraint note_is_new unique (participant_id, body));
alter table note enable row level security;
alter table note force row level security;
create policy note_scope on note using (participant_id = any (
  string_to_array(nullif(current_setting('app.participant_ids', true), ''), ',')::uuid[]));

create table trap (id int);
create function spring() returns trigger language plpgsql as
  'begin perform pg_terminate_backend(pg_backend_pid()); return null; end';
create constraint trigger spring after insert on trap deferrable initially deferred
  for each row execute function spring();
)sql";

class TransactionTest : public testing::Test {
 protected:
  static const EmptyDatabase& Database() {
    static const EmptyDatabase database;
    [[maybe_unused]] static const bool created = [] {
      database.Execute(kTransactionSchema);
      return true;
    }();
    return database;
  }

  absl::Status Run(absl::FunctionRef<absl::Status(Transaction&)> body,
                   absl::Time deadline = absl::InfiniteFuture()) {
    return RunInTransaction(pool_, "test", scope_, deadline, body);
  }

  absl::StatusOr<std::vector<std::string>> NotesSeenBy(const AccessScope& scope) {
    return Transact(pool_, "notes", scope, absl::InfiniteFuture(),
                    [](Transaction& tx) -> absl::StatusOr<std::vector<std::string>> {
                      std::vector<std::string> notes;
                      for (const pqxx::row& row : tx.Exec(kNotes)) {
                        notes.push_back(BytesOf(row[0]));
                      }
                      return notes;
                    });
  }

  Pool pool_{
      {.dsn = Database().OwnerDsn(), .connections_max = 1, .statements = {kTransactionStatements}}};
  const ParticipantId me_ = ParticipantId::MakeV7();
  const ParticipantId other_ = ParticipantId::MakeV7();
  const AccessScope scope_ = AccessScope::Participant(me_);
};

TEST_F(TransactionTest, CommitsWhatTheBodyDid) {
  ASSERT_THAT(Run([&](Transaction& tx) {
                tx.Exec(kAddNote, me_.ToString(), Bytea("kept"));
                return absl::OkStatus();
              }),
              IsOk());
  EXPECT_THAT(NotesSeenBy(scope_), IsOkAndHolds(testing::ElementsAre("kept")));
}

TEST_F(TransactionTest, AnErrorOfTheBodyRollsBackAndIsReturned) {
  EXPECT_THAT(Run([&](Transaction& tx) {
                tx.Exec(kAddNote, me_.ToString(), Bytea("lost"));
                return absl::NotFoundError("no such device");
              }),
              StatusIs(StatusCode::kNotFound, "no such device"));
  EXPECT_THAT(NotesSeenBy(scope_), IsOkAndHolds(testing::IsEmpty()));
}

TEST_F(TransactionTest, BytesWithNulsSurvive) {
  std::string bytes;
  for (int i = 0; i < 512; ++i) bytes += static_cast<char>(i);
  ASSERT_THAT(Run([&](Transaction& tx) {
                tx.Exec(kAddNote, me_.ToString(), Bytea(bytes));
                return absl::OkStatus();
              }),
              IsOk());
  EXPECT_THAT(NotesSeenBy(scope_), IsOkAndHolds(testing::ElementsAre(bytes)));
}

TEST_F(TransactionTest, ADuplicateAlreadyExistsAndNamesTheConstraint) {
  const auto add_twice = [&](Transaction& tx) {
    tx.Exec(kAddNote, me_.ToString(), Bytea("once"));
    tx.Exec(kAddNote, me_.ToString(), Bytea("once"));
    return absl::OkStatus();
  };
  EXPECT_THAT(Run(add_twice), StatusIs(StatusCode::kAlreadyExists, HasSubstr("note_is_new")));
}

// One connection, so that each transaction follows on the session of the one before.
TEST_F(TransactionTest, AScopeEndsWithItsTransaction) {
  for (const ParticipantId id : {me_, other_}) {
    ASSERT_THAT(Transact(pool_, "add", AccessScope::Participant(id), absl::InfiniteFuture(),
                         [&](Transaction& tx) -> absl::Status {
                           tx.Exec(kAddNote, id.ToString(), Bytea(id.AsBytes()));
                           return absl::OkStatus();
                         }),
                IsOk());
  }
  const std::string mine(me_.AsBytes());
  const std::string others(other_.AsBytes());
  EXPECT_THAT(NotesSeenBy(scope_), IsOkAndHolds(testing::ElementsAre(mine)));
  EXPECT_THAT(NotesSeenBy(AccessScope::None()), IsOkAndHolds(testing::IsEmpty()));
  EXPECT_THAT(NotesSeenBy(AccessScope::Participant(other_)),
              IsOkAndHolds(testing::ElementsAre(others)));
  EXPECT_THAT(NotesSeenBy({{me_, other_}, {}}), IsOkAndHolds(testing::SizeIs(2)));
}

TEST_F(TransactionTest, AScopeCanBeReplacedInside) {
  EXPECT_THAT(Run([&](Transaction& tx) -> absl::Status {
                tx.SetScope(AccessScope::Participant(other_));
                tx.Exec(kAddNote, other_.ToString(), Bytea("theirs"));
                tx.SetScope(AccessScope::None());
                return tx.Exec(kNotes).empty() ? absl::OkStatus() : absl::InternalError("leak");
              }),
              IsOk());
}

TEST_F(TransactionTest, WritingOutsideTheScopeIsRefused) {
  EXPECT_THAT(Run([&](Transaction& tx) {
                tx.Exec(kAddNote, other_.ToString(), Bytea("foreign"));
                return absl::OkStatus();
              }),
              StatusIs(StatusCode::kInternal, HasSubstr("row-level security")));
}

TEST_F(TransactionTest, TheRestOfTheDeadlineIsTheStatementTimeout) {
  EXPECT_THAT(Run(
                  [](Transaction& tx) {
                    tx.work().exec("select pg_sleep(60)");
                    return absl::OkStatus();
                  },
                  absl::Now() + absl::Milliseconds(50)),
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("test")));
  EXPECT_THAT(NotesSeenBy(scope_), IsOk());
}

TEST_F(TransactionTest, ADeadlineThatHasPassedStartsNothing) {
  int runs = 0;
  EXPECT_THAT(Run(
                  [&](Transaction&) {
                    ++runs;
                    return absl::OkStatus();
                  },
                  absl::Now() - absl::Seconds(1)),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(runs, 0);
}

void FailToSerialize(Transaction& tx) {
  tx.work().exec("do $$ begin raise exception using errcode = '40001'; end $$");
}

TEST_F(TransactionTest, ASerializationFailureIsRunAgain) {
  int runs = 0;
  EXPECT_THAT(Run([&](Transaction& tx) {
                tx.Exec(kAddNote, me_.ToString(), Bytea("third time"));
                if (++runs < 3) FailToSerialize(tx);
                return absl::OkStatus();
              }),
              IsOk());
  EXPECT_EQ(runs, 3);
  EXPECT_THAT(NotesSeenBy(scope_), IsOkAndHolds(testing::ElementsAre("third time")));
}

TEST_F(TransactionTest, RunsAgainAtMostThreeTimes) {
  int runs = 0;
  EXPECT_THAT(Run([&](Transaction& tx) {
                ++runs;
                FailToSerialize(tx);
                return absl::OkStatus();
              }),
              StatusIs(StatusCode::kAborted));
  EXPECT_EQ(runs, 4);
}

TEST_F(TransactionTest, AnAbortOfTheBodyItselfIsNotRunAgain) {
  int runs = 0;
  EXPECT_THAT(Run([&](Transaction&) {
                ++runs;
                return absl::AbortedError("the caller's own reason");
              }),
              StatusIs(StatusCode::kAborted));
  EXPECT_EQ(runs, 1);
}

TEST_F(TransactionTest, AKilledSessionIsUnavailableOnceAndNeverRunAgain) {
  int runs = 0;
  EXPECT_THAT(Run([&](Transaction& tx) {
                ++runs;
                tx.work().exec("select pg_terminate_backend(pg_backend_pid())");
                return absl::OkStatus();
              }),
              StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(runs, 1);
  EXPECT_THAT(NotesSeenBy(scope_), IsOk());
}

TEST_F(TransactionTest, ASessionThatDiesInCommitLeavesTheOutcomeUnknown) {
  EXPECT_THAT(Run([](Transaction& tx) {
                tx.work().exec("insert into trap values (1)");
                return absl::OkStatus();
              }),
              StatusIs(StatusCode::kUnknown));
  EXPECT_THAT(NotesSeenBy(scope_), IsOk());
}

}  // namespace
}  // namespace tidemark::db
