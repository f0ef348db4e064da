#include "study/jobs.h"

#include "base/status_macros.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

constexpr size_t kProblemBytesMax = 512;

int64_t Milliseconds(absl::Duration duration) { return absl::ToInt64Milliseconds(duration); }

}  // namespace

void InsertJob(db::Transaction& tx, const NewJob& job) {
  std::optional<std::string> participant;
  if (!job.participant_id.IsZero()) participant = job.participant_id.ToString();
  tx.Exec(sql::kInsertJob, job.job_id.ToString(), static_cast<int>(job.kind),
          job.study_id.ToString(), participant, db::Bytea(job.payload));
}

absl::StatusOr<std::optional<Job>> LeaseJob(db::Pool& pool, JobKind kind, absl::Duration lease,
                                            absl::Time deadline) {
  return db::Transact(pool, "LeaseJob", db::AccessScope::None(), deadline,
                      [&](db::Transaction& tx) -> absl::StatusOr<std::optional<Job>> {
                        const pqxx::result rows =
                            tx.Exec(sql::kLeaseJob, static_cast<int>(kind), Milliseconds(lease));
                        if (rows.empty()) return std::nullopt;
                        Job job;
                        TM_ASSIGN_OR_RETURN(job.job_id, Uuid::Parse(rows[0]["job_id"].c_str()));
                        job.payload = db::BytesOf(rows[0]["payload"]);
                        job.attempt = rows[0]["attempt"].as<int>();
                        job.fence = rows[0]["fence"].as<int64_t>();
                        return job;
                      });
}

absl::Status KeepJob(db::Transaction& tx, const Job& job, absl::Duration lease) {
  if (tx.Exec(sql::kKeepJob, job.job_id.ToString(), job.fence, Milliseconds(lease))
          .affected_rows() == 1) {
    return absl::OkStatus();
  }
  return absl::AbortedError("the lease of the job was lost");
}

void FinishJob(db::Transaction& tx, const Job& job) {
  tx.Exec(sql::kFinishJob, job.job_id.ToString(), job.fence);
}

absl::Status ReturnJob(db::Pool& pool, const Job& job, const std::string& problem,
                       absl::Duration pause, absl::Time deadline) {
  return db::Transact(pool, "ReturnJob", db::AccessScope::None(), deadline,
                      [&](db::Transaction& tx) -> absl::Status {
                        tx.Exec(sql::kReturnJob, job.job_id.ToString(), job.fence,
                                problem.substr(0, kProblemBytesMax), Milliseconds(pause));
                        return absl::OkStatus();
                      });
}

}  // namespace tidemark::study
