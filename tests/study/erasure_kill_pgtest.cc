// A worker is killed at every statement and at every commit of a participant's erasure, and another
// one goes on: in the end nothing is left, and nobody else has lost anything.
#include <fmt/format.h>

#include <pqxx/pqxx>

#include "base/status_macros.h"
#include "study/erasure_job.h"
#include "study/erasures.h"
#include "tests/study/study_fixture.h"

namespace tidemark::study {
namespace {

using support::IsOk;

constexpr int kRowsPerStepOfKill = 16;
constexpr int kChunksOfKilled = 12;  // of several steps
constexpr int kKillsMax = 2'000;

class ErasureKillTest : public StudyFixture {
 protected:
  // Every statement of tm_app that changes a table, and every commit of one that changed a job,
  // counts; the one whose turn it is ends its own backend. A sequence counts what is rolled back.
  void SetUp() override {
    Execute("update job set state = 2");  // of other tests
    Execute(
        "create sequence kill_count; create table kill_plan (at_count bigint);"
        "create function kill_when_due() returns trigger language plpgsql security definer as $$ "
        "begin if session_user = 'tm_app' and nextval('kill_count') = (select at_count from "
        "kill_plan) then perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(60); "
        "end if; return null; end $$");
    // One of the tables that are emptied row by row stands for all.
    for (const std::string& table :
         Tables("kind <> 'dist' or on_erase <> 'delete' or relname in ('chunk', 'participant')")) {
      Execute(
          fmt::format("create trigger kill_due after insert or update or delete on {} "
                      "for each statement execute function kill_when_due()",
                      table));
    }
    Execute(
        "create constraint trigger kill_at_commit after update on job deferrable initially "
        "deferred for each row execute function kill_when_due()");
  }
  void TearDown() override {
    Execute(
        "drop function kill_when_due() cascade; drop table kill_plan; drop sequence kill_count");
  }

  pqxx::result Execute(const std::string& sql) {
    pqxx::nontransaction tx(superuser_);
    return tx.exec(sql);
  }
  int64_t Number(const std::string& sql) { return Execute(sql)[0][0].as<int64_t>(); }
  std::vector<std::string> Tables(const std::string& which) {
    std::vector<std::string> names;
    for (const pqxx::row& row : Execute("select relname from scale_map where " + which)) {
      names.emplace_back(row[0].c_str());
    }
    return names;
  }

  // A row in every table that an erasure empties, of whatever its columns hold, and some chunks.
  // All ids are the device's, so that rows refer to each other.
  void Fill(const Enrolled& who) {
    const std::vector<std::string> tables = Tables("kind = 'dist' and on_erase <> 'keep'");
    pqxx::work tx(superuser_);
    tx.exec("set local session_replication_role = replica");  // in the order of the names
    for (const std::string& table : tables) {
      for (int i = 0; i < (table == "chunk" ? kChunksOfKilled : 1); ++i) {
        tx.exec(InsertOf(tx, table, who, i));
      }
    }
    tx.commit();
  }
  static std::string InsertOf(pqxx::work& tx, const std::string& table, const Enrolled& who,
                              int number) {
    std::string columns, values;
    for (const pqxx::row& column : tx.exec_params(
             "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = "
             "$1::regclass and attnum > 0 and not attisdropped and attgenerated = '' and "
             "attidentity = '' and (attnotnull or attname = 'body') and not atthasdef",
             table)) {
      const std::string name = column[0].c_str();
      columns += (columns.empty() ? "" : ", ") + name;
      values += values.empty() ? "" : ", ";
      values += name == "participant_id" ? "'" + who.participant.ToString() + "'"
                : name == "study_id"     ? "'" + who.study.ToString() + "'"
                : name == "number"       ? std::to_string(number)
                : name == "end_ns"       ? "2"
                                         : ValueOf(column[1].c_str(), who);
    }
    return fmt::format("insert into {} ({}) values ({}) on conflict do nothing", table, columns,
                       values);
  }
  static std::string ValueOf(const std::string& type, const Enrolled& who) {
    if (type == "uuid") return "'" + who.device.ToString() + "'";
    if (type == "bytea") return "'\\x00'";
    if (type == "text") return "'t'";
    if (type == "boolean") return "false";
    if (type == "timestamp with time zone") return "now()";
    if (type.ends_with("multirange") || type.ends_with("[]")) return "'{}'";
    return "1";  // numbers
  }

  std::string AskForErasure(const Enrolled& who) {
    v1::EraseParticipantRequest request;
    request.set_request_id(NewRequestId());
    request.set_confirm_code("p1");
    request.set_reason("asked by letter");
    const auto asked =
        Erasures(context_, {}).EraseParticipant(ManagerCall(who.study, who.participant), request);
    EXPECT_THAT(asked, IsOk());
    return asked.ok() ? asked->erasure().erasure_id() : "";
  }

  // Of one worker, from the lease to its end, whichever that is.
  absl::Status WorkOnce() {
    TM_ASSIGN_OR_RETURN(const std::optional<Job> job,
                        LeaseJob(pool_, JobKind::kErasure, absl::Minutes(1), Deadline()));
    if (!job) return absl::NotFoundError("no job is free");
    const PaceLimits pace{.rows_first = kRowsPerStepOfKill,
                          .rows_min = kRowsPerStepOfKill,
                          .rows_max = kRowsPerStepOfKill};
    return ErasureJob(context_, {.pace = pace, .wait = [](absl::Duration) {}}).Erase(*job, [] {
      return false;
    });
  }
  void KillAt(int64_t count) {
    Execute(
        fmt::format("delete from kill_plan; insert into kill_plan values ({});"
                    "select setval('kill_count', 1, false)",
                    count));
  }
  // Whoever has died does not lengthen a lease.
  void EndLeases() { Execute("update job set lease_until = now() - interval '1 second'"); }

  int64_t RowsLeft(const Enrolled& who) {
    return Number(fmt::format(
        "select (select coalesce(sum(row_total), 0) from tm_count_rows_of('{0}') where erase_rule "
        "<> 'keep') + (select count(*) from credential where principal_id = '{1}')",
        who.participant.ToString(), who.device.ToString()));
  }

  pqxx::connection superuser_{support::TestDatabase::Shared().SuperuserDsn()};
};

TEST_F(ErasureKillTest, ADeadWorkerAnywhereLeavesNothingInTheEnd) {
  const Enrolled bystander = MakeEnrolled();
  Fill(bystander);
  const int64_t of_bystander = RowsLeft(bystander);
  ASSERT_GE(of_bystander, kChunksOfKilled + 15);
  int64_t kills = 0;
  for (bool was_killed = true; was_killed; ++kills) {
    ASSERT_LT(kills, kKillsMax) << "an erasure has no end";
    SCOPED_TRACE(fmt::format("killed at {}", kills + 1));
    KillAt(0);
    const Enrolled who = MakeEnrolled();
    Fill(who);
    const std::string erasure = AskForErasure(who);
    KillAt(kills + 1);
    const absl::Status first = WorkOnce();
    was_killed = !first.ok();
    if (was_killed) {
      EXPECT_TRUE(absl::IsUnavailable(first) || absl::IsUnknown(first)) << first;
      EXPECT_GT(RowsLeft(who), 0) << "what is done in the end is done in one commit";
      EndLeases();
      EXPECT_THAT(WorkOnce(), IsOk());
    }
    EXPECT_EQ(RowsLeft(who), 0);
    EXPECT_EQ(Number(fmt::format("select count(*) from erasure where erasure_id = '{}' and "
                                 "done_at is not null",
                                 erasure)),
              1);
    EXPECT_THAT(keys_->KeyForWriting(who.participant, StreamId{}, 0).status(),
                support::StatusIs(absl::StatusCode::kFailedPrecondition));
    if (HasFailure()) return;
  }
  EXPECT_GE(kills, 20) << "there are as many statements and commits";
  EXPECT_EQ(RowsLeft(bystander), of_bystander);
}

}  // namespace
}  // namespace tidemark::study
