// The second wall: whatever a transaction has set, not set or inherited, the database shows it no
// row but those of the participants and studies that it named, and lets it change no other.
//
// Every table with participants' rows in scale_map, as every role of the server that may use it, so
// that a table that is added stands here by itself.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <pqxx/pqxx>
#include <random>
#include <thread>

#include "absl/time/clock.h"
#include "base/db/pool.h"
#include "base/db/transaction.h"
#include "tests/support/pg_test_database.h"
#include "tests/support/status_matchers.h"

namespace tidemark::migrations {
namespace {

using db::AccessScope;

constexpr int kStudies = 3;
constexpr int kParticipants = 9;  // a third of them in each study
constexpr int kWallThreads = 4;
constexpr size_t kConnectionsPerPool = 2;  // fewer than threads: connections change hands
// About 5 s and 24 s on two cores.
constexpr int kTransactionsInShort = 20'000;
constexpr int kTransactionsAtLength = 100'000;

const char* const kServerRoles[] = {"tm_app", "tm_ingest", "tm_read"};

struct Row {
  ParticipantId participant;
  StudyId study;
};

// What one role may do with one table. The statements own their text.
struct Door {
  std::string table;
  std::string role;
  std::array<std::string, 4> names;
  std::array<std::string, 4> texts;  // empty: not granted
  enum Act { kRead, kUpdate, kDelete, kInsert };
  db::Statement statement(Act act) const { return {names[act].c_str(), texts[act].c_str()}; }
  bool may(Act act) const { return !texts[act].empty(); }
};

class SecondWallTest : public ::testing::Test {
 protected:
  SecondWallTest() {
    for (int i = 0; i < kStudies; ++i) studies_.push_back(StudyId::MakeV7());
    for (int i = 0; i < kParticipants; ++i) {
      rows_.push_back({ParticipantId::MakeV7(), studies_[static_cast<size_t>(i) % kStudies]});
    }
    // Rows of any shape must do: what they refer to is not what is looked at.
    database_.Execute(
        "do $$ declare c record; begin for c in select conname, conrelid::regclass t from "
        "pg_constraint where contype in ('c', 'f') and conparentid = 0 and connamespace = "
        "'public'::regnamespace and conrelid <> 0 order by contype desc loop "
        "execute format('alter table %s drop constraint if exists %I cascade', c.t, c.conname); "
        "end loop; end $$");
    Fill();
    OpenDoors();
  }

  // One row of every participant in every table, made of whatever its columns hold.
  void Fill() {
    pqxx::connection connection(database_.SuperuserDsn());
    pqxx::work tx(connection);
    for (const pqxx::row& table :
         tx.exec("select relname, distcol from scale_map where kind = 'dist' order by 1")) {
      tables_.emplace_back(table[0].c_str());
      for (size_t i = 0; i < rows_.size(); ++i) {
        tx.exec(InsertOf(tx, tables_.back(), table[1].c_str(),
                         quoted(rows_[i].participant.ToString()), quoted(rows_[i].study.ToString()),
                         static_cast<int>(i) + 1));
      }
      distcols_.emplace_back(table[1].c_str());
    }
    tx.commit();
  }
  static std::string quoted(const std::string& id) { return "'" + id + "'::uuid"; }

  static std::string InsertOf(pqxx::work& tx, const std::string& table, const std::string& distcol,
                              const std::string& participant, const std::string& study, int n) {
    std::string columns;
    std::string values;
    for (const pqxx::row& column : tx.exec_params(
             "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = "
             "$1::regclass and attnum > 0 and not attisdropped and attgenerated = '' and "
             "attidentity = '' and (attnotnull or attname = 'study_id')",
             table)) {
      const std::string name = column[0].c_str();
      columns += (columns.empty() ? "" : ", ") + name;
      values += values.empty() ? "" : ", ";
      values += name == distcol      ? participant
                : name == "study_id" ? study
                                     : ValueOf(column[1].c_str(), n);
    }
    return fmt::format("insert into {} ({}) values ({})", table, columns, values);
  }
  static std::string ValueOf(const std::string& type, int n) {
    if (type == "uuid") return "gen_random_uuid()";
    if (type == "bytea") return "'\\x00'";
    if (type == "text") return fmt::format("'t{}'", n);
    if (type == "boolean") return "false";
    if (type == "timestamp with time zone") return "now()";
    if (type == "int8range") return fmt::format("int8range({}, {})", n, n + 1);
    if (type.ends_with("multirange") || type.ends_with("[]")) return "'{}'";
    return fmt::format("{}", n);  // numbers
  }

  void OpenDoors() {
    pqxx::connection connection(database_.SuperuserDsn());
    pqxx::work tx(connection);
    for (const char* role : kServerRoles) {
      for (size_t i = 0; i < tables_.size(); ++i) AddDoor(tx, role, tables_[i], distcols_[i]);
    }
  }
  void AddDoor(pqxx::work& tx, const std::string& role, const std::string& table,
               const std::string& distcol) {
    Door door;
    door.table = table;
    door.role = role;
    for (size_t act = 0; act < door.names.size(); ++act) {
      door.names[act] = fmt::format("wall_{}_{}_{}", role, table, act);
    }
    const auto may = [&](const char* privilege) {
      return tx.exec_params1("select has_table_privilege($1, $2, $3)", role, table, privilege)[0]
          .as<bool>();
    };
    if (may("select")) door.texts[Door::kRead] = fmt::format("select {} from {}", distcol, table);
    const pqxx::result updatable = tx.exec_params(
        "select attname from pg_attribute where attrelid = $2::regclass and attnum > 0 and "
        "not attisdropped and has_column_privilege($1, $2, attname, 'update') limit 1",
        role, table);
    if (!updatable.empty()) {
      door.texts[Door::kUpdate] =
          fmt::format("update {0} set {1} = {1}", table, updatable[0][0].c_str());
    }
    if (may("delete")) door.texts[Door::kDelete] = "delete from " + table;
    if (may("insert")) {
      door.texts[Door::kInsert] = InsertOf(tx, table, distcol, "$1::uuid", "$2::uuid", 1'000);
    }
    doors_.push_back(std::move(door));
  }

  std::unique_ptr<db::Pool> PoolOf(const std::string& role) const {
    std::vector<std::span<const db::Statement>> statements;
    for (const Door& door : doors_) {
      for (const Door::Act act : {Door::kRead, Door::kUpdate, Door::kDelete, Door::kInsert}) {
        if (door.role != role || !door.may(act)) continue;
        statements_.push_back(door.statement(act));
        statements.emplace_back(&statements_.back(), 1);
      }
    }
    return std::make_unique<db::Pool>(db::PoolOptions{.dsn = database_.Dsn(role),
                                                      .connections_max = kConnectionsPerPool,
                                                      .statements = std::move(statements)});
  }

  // So many transactions, of several threads: none sees or changes what it did not name.
  void RunIntruders(int transactions) const;

  const support::TestDatabase database_;
  std::vector<StudyId> studies_;
  std::vector<Row> rows_;
  std::vector<std::string> tables_, distcols_;
  std::vector<Door> doors_;
  mutable std::deque<db::Statement> statements_;  // stay where they are
};

// One of the threads that share the pools.
class Intruder {
 public:
  // Two pools of a role: in `tainted` connections come back with settings of the session, which
  // nothing in the product makes; there only the one way into a transaction is used.
  struct Pools {
    std::unique_ptr<db::Pool> shared;
    std::unique_ptr<db::Pool> tainted;
  };
  using PoolsOf = std::map<std::string, Pools>;

  Intruder(const std::vector<Row>& rows, const std::vector<Door>& doors, const PoolsOf& pools,
           unsigned seed)
      : rows_(rows), doors_(doors), pools_(pools), random_(seed) {}

  // One transaction of a kind, a table, a role and an act that are drawn.
  void Try() {
    const Door& door = doors_[Draw(doors_.size())];
    const Pools& pools = pools_.at(door.role);
    switch (Draw(8)) {
      case 0:
        return Taint(*pools.tainted);
      case 1:
        return Scoped(*pools.tainted, door, Drawn());
      case 2:
        return Missing(*pools.shared, door);
      case 3:
        return Malformed(*pools.shared, door);
      case 4:
        return FailAndReturn(*pools.shared, door);
      default:
        return Scoped(*pools.shared, door, Drawn());
    }
  }

  int foreign() const { return foreign_; }
  int seen() const { return seen_; }
  const std::string& what() const { return what_; }

 private:
  size_t Draw(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(random_); }
  const Row& AnyRow() { return rows_[Draw(rows_.size())]; }

  // Right ones, and those that name nobody or somebody who does not exist.
  AccessScope Drawn() {
    switch (Draw(6)) {
      case 0:
        return AccessScope::None();
      case 1:
        return AccessScope::Participant(ParticipantId::MakeRandom());
      case 2:
        return AccessScope::Study(AnyRow().study);
      case 3:
        return {{AnyRow().participant, AnyRow().participant}, {}};
      default:
        return AccessScope::Participant(AnyRow().participant);
    }
  }
  static bool Covers(const AccessScope& scope, const Row& row) {
    return std::count(scope.participants.begin(), scope.participants.end(), row.participant) > 0 ||
           std::count(scope.studies.begin(), scope.studies.end(), row.study) > 0;
  }
  int64_t CountUnder(const AccessScope& scope) const {
    return std::count_if(rows_.begin(), rows_.end(),
                         [&](const Row& row) { return Covers(scope, row); });
  }

  void Found(int64_t count, const Door& door, const char* how) {
    if (count == 0) return;
    foreign_ += static_cast<int>(std::abs(count));
    if (what_.empty()) what_ = fmt::format("{} as {}: {}", door.table, door.role, how);
  }

  // Reads, changes, deletes or enters, and takes changes back.
  void Scoped(db::Pool& pool, const Door& door, const AccessScope& scope) {
    const absl::Status status = db::RunInTransaction(
        pool, "wall", scope, absl::Now() + absl::Seconds(30), [&](db::Transaction& tx) {
          Act(tx, door, scope);
          return absl::CancelledError("nothing is kept");
        });
    if (status.code() != absl::StatusCode::kCancelled) Found(1, door, "failed");
  }
  void Act(db::Transaction& tx, const Door& door, const AccessScope& scope) {
    const auto act = static_cast<Door::Act>(Draw(4));
    if (!door.may(act)) return;
    if (act == Door::kInsert) return InsertForeign(tx, door, scope);
    const pqxx::result result = tx.Exec(door.statement(act));
    if (act == Door::kRead) {
      CountForeign(result, door, scope);
    } else {
      // Rows that are locked by another thread's transaction are waited for, so all are counted.
      Found(static_cast<int64_t>(result.affected_rows()) - CountUnder(scope), door, "changed");
    }
  }
  void CountForeign(const pqxx::result& result, const Door& door, const AccessScope& scope) {
    for (const pqxx::row& found : result) {
      const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& each) {
        return each.participant.ToString() == found[0].c_str();
      });
      if (row == rows_.end() || !Covers(scope, *row)) Found(1, door, "read");
    }
    Found(static_cast<int64_t>(result.size()) - CountUnder(scope), door, "own rows");
    seen_ += static_cast<int>(result.size());
  }
  void InsertForeign(db::Transaction& tx, const Door& door, const AccessScope& scope) {
    const Row& row = AnyRow();
    if (Covers(scope, row)) return;
    pqxx::subtransaction attempt(tx.work(), "attempt");
    try {
      attempt.exec_prepared(door.names[Door::kInsert], row.participant.ToString(),
                            row.study.ToString());
      Found(1, door, "entered");
    } catch (const pqxx::insufficient_privilege& e) {
      if (std::string_view(e.what()).find("row-level security") == std::string_view::npos) {
        Found(1, door, e.what());
      }
    }
  }

  // A setting of the session, committed: for whoever leases the connection next.
  void Taint(db::Pool& pool) {
    auto lease = pool.Acquire(absl::Now() + absl::Seconds(30));
    if (!lease.ok()) return;
    pqxx::nontransaction tx(**lease);
    tx.exec(fmt::format("set app.participant_ids = '{}'; set app.study_ids = '{}'",
                        AnyRow().participant.ToString(), AnyRow().study.ToString()));
  }

  // Nobody said what this transaction may see, on a connection that others have used.
  void Missing(db::Pool& pool, const Door& door) {
    auto lease = pool.Acquire(absl::Now() + absl::Seconds(30));
    if (!lease.ok() || !door.may(Door::kRead)) return;
    pqxx::work tx(**lease);
    Found(static_cast<int64_t>(tx.exec_prepared(door.names[Door::kRead]).size()), door,
          "read without a scope");
  }

  // What is no list of canonical ids: patterns, and what is nearly somebody's.
  std::string MalformedText() {
    static const char* const kTexts[] = {"*",         "%",
                                         "{}",        "null",
                                         "00000000",  ",",
                                         "{{}}",      "00000000-0000-0000-0000-000000000000",
                                         " ",         "________-____-____-____-____________",
                                         "[0-9a-f-]+"};
    const Row& row = AnyRow();
    std::string id = Draw(2) == 0 ? row.participant.ToString() : row.study.ToString();
    switch (Draw(6)) {
      case 0:
        return id.substr(1);
      case 1:
        return id.substr(0, 35);
      case 2:
        return id.substr(18) + "," + id.substr(0, 18);
      case 3:
        std::transform(id.begin(), id.end(), id.begin(), ::toupper);
        return id.find_first_of("ABCDEF") == std::string::npos ? "" : id;
      default:
        return kTexts[Draw(std::size(kTexts))];
    }
  }

  // Text that is no list of ids is an error or names nobody; ids in the place of others, too.
  void Malformed(db::Pool& pool, const Door& door) {
    auto lease = pool.Acquire(absl::Now() + absl::Seconds(30));
    if (!lease.ok() || !door.may(Door::kRead)) return;
    pqxx::work tx(**lease);
    try {
      const bool is_of_people = Draw(2) == 0;
      const Row& row = AnyRow();
      const std::string misplaced =
          (is_of_people ? row.study.uuid : row.participant.uuid).ToString();
      tx.exec(fmt::format("set local app.{} = '{}'", is_of_people ? "participant_ids" : "study_ids",
                          Draw(4) == 0 ? misplaced : MalformedText()));
      Found(static_cast<int64_t>(tx.exec_prepared(door.names[Door::kRead]).size()), door,
            "read by a malformed scope");
    } catch (const pqxx::data_exception&) {
      // The statement failed, and the connection goes back with its transaction rolled back.
    }
  }

  // Sees somebody, breaks, and gives the connection back as it is.
  void FailAndReturn(db::Pool& pool, const Door& door) {
    const absl::Status status =
        db::RunInTransaction(pool, "wall", AccessScope::Participant(AnyRow().participant),
                             absl::Now() + absl::Seconds(30), [&](db::Transaction& tx) {
                               tx.work().exec("select 1 / 0");
                               return absl::OkStatus();
                             });
    if (status.ok()) Found(1, door, "an error was lost");
  }

  const std::vector<Row>& rows_;
  const std::vector<Door>& doors_;
  const PoolsOf& pools_;
  std::minstd_rand random_;
  int foreign_ = 0;
  int seen_ = 0;
  std::string what_;
};

void SecondWallTest::RunIntruders(int transactions) const {
  ASSERT_GE(tables_.size(), 15u);
  Intruder::PoolsOf pools;
  for (const char* role : kServerRoles) pools[role] = {PoolOf(role), PoolOf(role)};
  std::deque<Intruder> intruders;
  for (int i = 0; i < kWallThreads; ++i) {
    intruders.emplace_back(rows_, doors_, pools, static_cast<unsigned>(i) + 1);
  }
  std::vector<std::thread> threads;
  for (Intruder& intruder : intruders) {
    threads.emplace_back([&] {
      for (int i = 0; i < transactions / kWallThreads; ++i) intruder.Try();
    });
  }
  for (std::thread& thread : threads) thread.join();
  int seen = 0;
  for (const Intruder& intruder : intruders) {
    EXPECT_EQ(intruder.foreign(), 0) << intruder.what();
    seen += intruder.seen();
  }
  EXPECT_GT(seen, transactions / 100) << "own rows are seen: the wall is not just shut";
  for (const std::string& table : tables_) {
    EXPECT_EQ(database_.QueryValue("select count(*) from " + table), std::to_string(kParticipants))
        << table;
  }
}

TEST_F(SecondWallTest, HoldsOverInterleavedTransactionsWithAllSortsOfScopes) {
  RunIntruders(kTransactionsInShort);
}

// The same at length: --gtest_also_run_disabled_tests --gtest_filter='*SecondWall*'
TEST_F(SecondWallTest, DISABLED_HoldsOverAHundredThousandTransactions) {
  RunIntruders(kTransactionsAtLength);
}

// One rule for all: a table that a later migration adds has it, too, and not a dearer or wider one.
TEST_F(SecondWallTest, EveryTableHasTheSamePolicy) {
  std::map<std::string, std::string> rules;
  pqxx::connection connection(database_.SuperuserDsn());
  pqxx::nontransaction tx(connection);
  for (const pqxx::row& row :
       tx.exec("select c.relname, concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), p.polcmd, "
               "p.polpermissive, coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''), "
               "c.relforcerowsecurity) from pg_policy p join pg_class c on c.oid = p.polrelid")) {
    EXPECT_TRUE(rules.emplace(row[0].c_str(), row[1].c_str()).second) << row[0].c_str();
  }
  ASSERT_EQ(rules.size(), tables_.size());
  for (size_t i = 0; i < tables_.size(); ++i) {
    EXPECT_EQ(
        rules[tables_[i]],
        fmt::format("((strpos(current_setting('app.participant_ids'::text, true), ({})::text) "
                    "> 0) OR (strpos(current_setting('app.study_ids'::text, true), "
                    "(study_id)::text) > 0)) * t  t",
                    distcols_[i]))
        << tables_[i];
  }
}

// Nobody is found across the border of two ids, with or without what stands between them.
TEST_F(SecondWallTest, ListsOfIdsNameWhomTheyNameAndNobodyBetween) {
  const std::string a = rows_[0].participant.ToString();
  const std::string b = rows_[1].participant.ToString();
  for (const std::string& list : {a + b, a + "," + b}) {
    for (size_t shift = 1; shift + 36 < list.size(); ++shift) {
      EXPECT_FALSE(Uuid::Parse(list.substr(shift, 36)).ok()) << list << " from " << shift;
    }
  }
}

// A partition is a table of its own: whoever could name it would walk around the wall.
TEST_F(SecondWallTest, NobodyReachesAPartitionByItsName) {
  for (const char* role : kServerRoles) {
    EXPECT_EQ(database_.QueryValue(fmt::format(
                  "select string_agg(relname, ' ') from pg_class where relispartition and "
                  "has_table_privilege('{}', oid, 'select, insert, update, delete') and relkind in "
                  "('r', 'p')",
                  role)),
              "");
  }
}

}  // namespace
}  // namespace tidemark::migrations
