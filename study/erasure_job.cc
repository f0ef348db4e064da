#include "study/erasure_job.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/time/clock.h"
#include "base/db/transaction.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "study/audit.h"
#include "study/fields.h"
#include "study/sql.h"
#include "tidemark/v1/erasure.pb.h"

namespace tidemark::study {
namespace {

constexpr absl::Duration kStepMost = absl::Seconds(30);

struct Subject {
  v1::Erasure erasure;
  ParticipantId participant_id;
  StudyId study_id;

  db::AccessScope scope() const { return {{participant_id}, {study_id}}; }
};

absl::StatusOr<Subject> SubjectOfErasure(const Job& job) {
  Subject subject;
  if (!subject.erasure.ParseFromString(job.payload)) {
    return absl::DataLossError("the job of an erasure cannot be read");
  }
  TM_ASSIGN_OR_RETURN(subject.participant_id,
                      ParticipantId::Parse(subject.erasure.participant_id()));
  TM_ASSIGN_OR_RETURN(subject.study_id, StudyId::Parse(subject.erasure.study_id()));
  return subject;
}

// Why rows that name an erased participant stay.
const char* WhyKept(const std::string& table) {
  if (table == "audit") return "hashes of the evidence; the bodies cannot be read any more";
  if (table == "principal") return "device ids without names, to tell devices to delete copies";
  if (table == "erasure") return "the record of this erasure";
  if (table == "job") return "the work of this erasure";
  return "";
}

// Compares with what was counted when the erasure was asked for. A table that should be empty and
// is not fails the job, so that it is tried again.
absl::Status CountLeft(db::Transaction& tx, Subject& subject) {
  std::map<std::string, uint64_t> before;
  for (const v1::ErasedTable& table : subject.erasure.tables()) {
    before[table.table()] = table.rows_left();
  }
  subject.erasure.clear_tables();
  std::string left_in;
  for (const pqxx::row& row : tx.Exec(sql::kCountRowsOf, subject.participant_id.ToString())) {
    const auto table = row["table_name"].as<std::string>();
    const auto rows = row["row_total"].as<uint64_t>();
    v1::ErasedTable& counted = *subject.erasure.add_tables();
    counted.set_table(table);
    counted.set_rows_left(rows);
    counted.set_rows_deleted(before[table] - std::min(before[table], rows));
    if (rows == 0) continue;
    if (row["erase_rule"].as<std::string>() != "keep") left_in += " " + table;
    counted.set_why_kept(WhyKept(table));
  }
  if (left_in.empty()) return absl::OkStatus();
  return absl::InternalError("rows are left in" + left_in);
}

}  // namespace

absl::StatusOr<bool> ErasureJob::RunOne(absl::FunctionRef<bool()> stopping) const {
  TM_ASSIGN_OR_RETURN(
      const std::optional<Job> job,
      LeaseJob(*context_.pool, JobKind::kErasure, options_.lease, absl::Now() + kStepMost));
  if (!job) return false;
  const absl::Status erased = Erase(*job, stopping);
  if (erased.ok()) return true;
  LogError("an erasure did not end: {}", std::string(erased.message()));
  TM_RETURN_IF_ERROR(ReturnJob(*context_.pool, *job, std::string(erased.message()),
                               stopping() ? absl::ZeroDuration() : options_.retry_after,
                               absl::Now() + kStepMost));
  return true;
}

absl::Status ErasureJob::Erase(const Job& job, absl::FunctionRef<bool()> stopping) const {
  TM_ASSIGN_OR_RETURN(Subject subject, SubjectOfErasure(job));
  const std::string participant = subject.participant_id.ToString();
  const auto step = [&](const char* name, auto&& body) -> absl::Status {
    return db::RunInTransaction(*context_.pool, name, subject.scope(), absl::Now() + kStepMost,
                                [&](db::Transaction& tx) -> absl::Status {
                                  TM_RETURN_IF_ERROR(KeepJob(tx, job, options_.lease));
                                  return body(tx);
                                });
  };
  TM_RETURN_IF_ERROR(context_.keys->DestroyParticipant(subject.participant_id));
  TM_RETURN_IF_ERROR(step("EraseDevices", [&](db::Transaction& tx) {
    tx.Exec(sql::kEndDevices, participant);
    tx.Exec(sql::kDeleteDeviceCredentials, participant);
    tx.Exec(sql::kForgetDeviceRequests, participant);
    return absl::OkStatus();
  }));
  PolitePace pace(options_.pace, context_.clock, options_.wait);
  for (int64_t deleted = 1; deleted > 0;) {
    if (stopping()) return absl::CancelledError("the server is shutting down");
    TM_RETURN_IF_ERROR(pace.Step([&] {
      return step("EraseRows", [&](db::Transaction& tx) {
        // Rows that a crash brings back are deleted again: the job is done by a commit that lasts,
        // and carries all of these with it.
        tx.Exec(sql::kRelaxCommit);
        deleted = tx.Exec(sql::kEraseRows, participant, pace.rows())[0][0].as<int64_t>();
        return absl::OkStatus();
      });
    }));
  }
  return step("EraseParticipant", [&](db::Transaction& tx) -> absl::Status {
    tx.Exec(sql::kDeleteParticipant, participant);
    tx.Exec(sql::kDeleteDirectoryEntry, participant);
    TM_RETURN_IF_ERROR(CountLeft(tx, subject));
    const int64_t now_us = NowUs(*context_.clock);
    subject.erasure.set_state(v1::ERASURE_STATE_DONE);
    *subject.erasure.mutable_done_at() = TimestampOfUs(now_us);
    const std::string report = subject.erasure.SerializeAsString();
    tx.Exec(sql::kFinishErasure, job.job_id.ToString(), now_us, db::Bytea(report));
    TM_RETURN_IF_ERROR(
        AppendAudit(tx, *context_.keys, *context_.clock,
                    {subject.study_id.uuid,
                     subject.study_id,
                     "erasure.done",
                     PrincipalId{},
                     {{"erasure", job.job_id.ToString()}, {"participant", participant}}}));
    FinishJob(tx, job);
    return absl::OkStatus();
  });
}

}  // namespace tidemark::study
