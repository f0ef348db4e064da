#include "study/range_erasure_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "base/db/transaction.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "store/envelope.h"
#include "study/audit.h"
#include "study/fields.h"
#include "study/participant_rows.h"
#include "study/pg_arrays.h"
#include "study/sql.h"
#include "study/survivors.h"
#include "tidemark/v1/erasure.pb.h"

namespace tidemark::study {
namespace {

constexpr absl::Duration kRangeStepMost = absl::Seconds(30);
// Segments that cannot be read and are passed over; with more it is no single fault.
constexpr size_t kUnreadableMax = 256;
constexpr absl::Duration kUtcDay = absl::Hours(24);

int32_t UtcDayOf(absl::Time time) {
  return static_cast<int32_t>((time - absl::UnixEpoch()) / kUtcDay);
}

// From when on nobody seals with a key of this day.
absl::Time FreeFrom(int32_t utc_day) {
  return absl::UnixEpoch() + kUtcDay * (int64_t{utc_day} + 1) + kKeyInUseAfterDay;
}

bool IsShuttingDown(const absl::Status& status) { return absl::IsCancelled(status); }

// Looks at transactions that have to end, and the time between two of them. They take milliseconds,
// and half a minute at most, by the timeout of their statements.
constexpr int kSettlingLooksMax = 1'000;
constexpr absl::Duration kSettlingLookPeriod = absl::Milliseconds(50);

// One run of one job.
class RangeErasureRun {
 public:
  RangeErasureRun(const Context& context, const ClockSources& clocks,
                  const ErasureJobOptions& options, const Job& job,
                  absl::FunctionRef<bool()> stopping)
      : context_(context),
        clocks_(clocks),
        options_(options),
        job_(job),
        stopping_(stopping),
        pace_(options.pace, context.clock, options.wait) {}

  absl::StatusOr<std::optional<absl::Time>> Run() {
    TM_RETURN_IF_ERROR(ReadJob());
    absl::Status ran = MarkAgain();
    if (ran.ok()) ran = DestroyKeys();
    // Everything went with the participant's own key.
    if (participant_is_gone_) return Finish();
    TM_RETURN_IF_ERROR(ran);
    TM_RETURN_IF_ERROR(fault_);
    if (wait_until_ == absl::InfiniteFuture()) return Finish();
    TM_RETURN_IF_ERROR(ReportWaiting());
    return std::optional(wait_until_);
  }

 private:
  absl::Status ReadJob() {
    if (!erasure_.ParseFromString(job_.payload)) {
      return absl::DataLossError("the job of an erasure cannot be read");
    }
    TM_ASSIGN_OR_RETURN(participant_, ParticipantId::Parse(erasure_.participant_id()));
    TM_ASSIGN_OR_RETURN(study_, StudyId::Parse(erasure_.study_id()));
    return absl::OkStatus();
  }

  // A transaction that counts only under this worker's lease.
  absl::Status Leased(const char* name, absl::FunctionRef<absl::Status(db::Transaction&)> body) {
    if (stopping_()) return absl::CancelledError("the server is shutting down");
    return db::RunInTransaction(*context_.pool, name, {{participant_}, {study_}},
                                absl::Now() + kRangeStepMost, [&](db::Transaction& tx) {
                                  TM_RETURN_IF_ERROR(KeepJob(tx, job_, options_.lease));
                                  return body(tx);
                                });
  }

  // The same with the participant locked, as long as there is one.
  absl::Status Step(const char* name, absl::FunctionRef<absl::Status(db::Transaction&)> body) {
    return Leased(name, [&](db::Transaction& tx) -> absl::Status {
      const absl::StatusOr<ParticipantRow> row = LockParticipant(tx, participant_);
      participant_is_gone_ = absl::IsNotFound(row.status()) ||
                             (row.ok() && row->participant.state() == v1::PARTICIPANT_STATE_ERASED);
      if (participant_is_gone_) return absl::FailedPreconditionError("the participant was erased");
      TM_RETURN_IF_ERROR(row.status());
      return body(tx);
    });
  }

  // What was being stored while the range was marked was not seen by it, and did not see it; what
  // had no place then may have found one since.
  absl::Status MarkAgain() {
    TM_RETURN_IF_ERROR(WaitForSettling());
    TM_ASSIGN_OR_RETURN(const RangeToErase range, RangeOfJob());
    v1::Erasure more;
    TM_RETURN_IF_ERROR(Step("MarkAgain", [&](db::Transaction& tx) -> absl::Status {
      TM_ASSIGN_OR_RETURN(const RangeMarks marks,
                          MarkRange(tx, clocks_, range, absl::Now() + kRangeStepMost));
      more = erasure_;
      if (marks.chunks > 0) AddMarks(tx, static_cast<uint64_t>(marks.chunks), more);
      return absl::OkStatus();
    }));
    erasure_ = std::move(more);
    return absl::OkStatus();
  }

  absl::Status WaitForSettling() {
    std::optional<std::string> older;  // none: all that there are
    for (int look = 0; look < kSettlingLooksMax; ++look) {
      std::vector<std::string> found;
      TM_RETURN_IF_ERROR(Leased("WaitForSettling", [&](db::Transaction& tx) {
        found.clear();
        for (const pqxx::row& row : tx.Exec(sql::kListSettling, older)) {
          found.push_back(row[0].as<std::string>());
        }
        return absl::OkStatus();
      }));
      if (found.empty()) return absl::OkStatus();
      older = PgArray(found);
      options_.wait(kSettlingLookPeriod);
    }
    return absl::UnavailableError("commits from before the erasure do not end");
  }

  absl::StatusOr<RangeToErase> RangeOfJob() const {
    RangeToErase range{.erasure_id = job_.job_id,
                       .participant_id = participant_,
                       .study_id = study_,
                       .stream_ids = {},
                       .study = {erasure_.begin_ns(), erasure_.end_ns()}};
    for (const std::string& text : erasure_.stream_ids()) {
      TM_ASSIGN_OR_RETURN(const StreamId id, StreamId::Parse(text));
      range.stream_ids.push_back(id);
    }
    return range;
  }

  // For the record at the end, whoever writes it.
  void AddMarks(db::Transaction& tx, uint64_t chunks, v1::Erasure& more) {
    more.set_chunks_destroyed(more.chunks_destroyed() + chunks);
    v1::ErasedTable* marked = nullptr;
    for (v1::ErasedTable& table : *more.mutable_tables()) {
      if (table.why_kept() == kMarksStay) marked = &table;
    }
    if (marked == nullptr) marked = more.add_tables();
    marked->set_table("chunk");
    marked->set_rows_left(marked->rows_left() + chunks);
    marked->set_why_kept(kMarksStay);
    tx.Exec(sql::kSetJobPayload, job_.job_id.ToString(), job_.fence,
            db::Bytea(more.SerializeAsString()));
  }

  absl::Status DestroyKeys() {
    std::vector<DoomedKey> keys;
    TM_RETURN_IF_ERROR(
        Step("ListErasedKeys", [&](db::Transaction& tx) { return ListKeys(tx, keys); }));
    for (const DoomedKey& key : keys) {
      const absl::Time free_from = FreeFrom(key.name.utc_day);
      if (now_ < free_from) {
        wait_until_ = std::min(wait_until_, free_from);
        continue;
      }
      const absl::Status destroyed = Destroy(key);
      if (!absl::IsDataLoss(destroyed)) TM_RETURN_IF_ERROR(destroyed);
      fault_.Update(destroyed);  // the other keys can go
    }
    return absl::OkStatus();
  }

  absl::Status ListKeys(db::Transaction& tx, std::vector<DoomedKey>& keys) {
    keys.clear();
    now_ = context_.clock->Now();
    for (const pqxx::row& row :
         tx.Exec(sql::kListErasedKeys, participant_.ToString(), job_.job_id.ToString())) {
      DoomedKey key{.participant_id = participant_, .name = {}, .name_bytes = {}};
      TM_ASSIGN_OR_RETURN(const StreamId stream, StreamId::Parse(row["stream_id"].c_str()));
      key.name_bytes = db::BytesOf(row["key_name"]);
      TM_ASSIGN_OR_RETURN(key.name, store::ParseKeyName(stream, key.name_bytes));
      keys.push_back(std::move(key));
      now_ = std::min(now_, absl::FromUnixMicros(row["now_us"].as<int64_t>()));
    }
    return absl::OkStatus();
  }

  absl::Status Destroy(const DoomedKey& key) {
    TM_RETURN_IF_ERROR(MoveAllSegments(key));
    TM_RETURN_IF_ERROR(MoveAllHeldBodies(key));
    TM_RETURN_IF_ERROR(Step("CheckNothingLeft", [&](db::Transaction& tx) {
      const pqxx::result left =
          tx.Exec(sql::kListSegmentsOfKey, participant_.ToString(), key.name.stream_id.ToString(),
                  db::Bytea(key.name_bytes), "{}", 1);
      return left.empty() ? absl::OkStatus()
                          : absl::InternalError("a key still seals segments after the last one");
    }));
    TM_RETURN_IF_ERROR(context_.keys->DestroyDataKey(participant_, key.name));
    return Step("NoteKeyDestroyed", [&](db::Transaction& tx) {
      ExecOnKey(tx, sql::kSetKeyDestroyed, key);
      return absl::OkStatus();
    });
  }

  absl::Status PoliteStep(const char* name,
                          absl::FunctionRef<absl::Status(db::Transaction&)> body) {
    return pace_.Step([&] { return Step(name, body); });
  }

  // Those that cannot be read are passed over, so that all others are done.
  absl::Status MoveAllSegments(const DoomedKey& key) {
    std::set<SegmentId> unreadable;
    absl::Status first_fault;
    while (true) {
      MovedSegments moved;
      TM_RETURN_IF_ERROR(PoliteStep("MoveSegments", [&](db::Transaction& tx) -> absl::Status {
        TM_ASSIGN_OR_RETURN(moved, MoveSegments(tx, MoveOf(key), unreadable));
        ExecOnKey(tx, sql::kAddChunksKept, key, moved.chunks_kept);
        return absl::OkStatus();
      }));
      if (moved.segments == 0 && moved.unreadable.empty()) break;
      first_fault.Update(moved.first_fault);
      unreadable.insert(moved.unreadable.begin(), moved.unreadable.end());
      if (unreadable.size() > kUnreadableMax) break;
    }
    if (unreadable.empty()) return absl::OkStatus();
    return absl::DataLossError(fmt::format(
        "{}{} segments hold something that is to be kept and cannot be read, so their key stays "
        "({}). "
        "Restore these rows, or erase the range of all their chunks",
        unreadable.size() > kUnreadableMax ? "more than " : "",
        std::min(unreadable.size(), kUnreadableMax), std::string(first_fault.message())));
  }

  absl::Status MoveAllHeldBodies(const DoomedKey& key) {
    QuarantineId after;
    for (bool more = true; more;) {
      QuarantineId reached;
      TM_RETURN_IF_ERROR(PoliteStep("MoveHeldBodies", [&](db::Transaction& tx) -> absl::Status {
        reached = after;
        TM_ASSIGN_OR_RETURN(more, MoveHeldBodies(tx, MoveOf(key), reached));
        return absl::OkStatus();
      }));
      after = reached;
    }
    return absl::OkStatus();
  }

  KeyMove MoveOf(const DoomedKey& key) const {
    return {context_.keys, key, UtcDayOf(context_.clock->Now())};
  }

  template <class... More>
  void ExecOnKey(db::Transaction& tx, const db::Statement& statement, const DoomedKey& key,
                 const More&... more) {
    tx.Exec(statement, participant_.ToString(), job_.job_id.ToString(),
            key.name.stream_id.ToString(), db::Bytea(key.name_bytes), more...);
  }

  absl::Status ReportWaiting() {
    erasure_.set_problem(
        fmt::format("hidden; waits until {} for the keys of the day of arrival",
                    absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", wait_until_, absl::UTCTimeZone())));
    return Leased("ReportErasure", [&](db::Transaction& tx) -> absl::Status {
      TM_RETURN_IF_ERROR(SumUp(tx).status());
      tx.Exec(sql::kReportErasure, job_.job_id.ToString(), db::Bytea(erasure_.SerializeAsString()));
      return absl::OkStatus();
    });
  }

  // Into the report; the sums say whether the keys are gone.
  absl::StatusOr<pqxx::result> SumUp(db::Transaction& tx) {
    pqxx::result sums =
        tx.Exec(sql::kSumErasedKeys, participant_.ToString(), job_.job_id.ToString());
    erasure_.set_chunks_kept(sums[0]["chunks_kept"].as<uint64_t>());
    return sums;
  }

  absl::StatusOr<std::optional<absl::Time>> Finish() {
    TM_RETURN_IF_ERROR(Leased("FinishRangeErasure", [&](db::Transaction& tx) -> absl::Status {
      TM_ASSIGN_OR_RETURN(const pqxx::result sums, SumUp(tx));
      if (!participant_is_gone_ && (sums[0]["keys_left"].as<int64_t>() > 0 ||
                                    sums[0]["segments_sealed"].as<int64_t>() > 0)) {
        return absl::InternalError("a key that was destroyed still seals segments");
      }
      return Record(tx, sums[0]["keys"].as<uint64_t>());
    }));
    return std::optional<absl::Time>();
  }

  absl::Status Record(db::Transaction& tx, uint64_t keys) {
    const int64_t now_us = NowUs(*context_.clock);
    v1::Erasure done = erasure_;
    done.set_state(v1::ERASURE_STATE_DONE);
    done.clear_problem();
    *done.mutable_done_at() = TimestampOfUs(now_us);
    if (participant_is_gone_) done.add_touched("the whole participant was erased meanwhile");
    if (keys > 0) {
      v1::ErasedTable& table = *done.add_tables();
      table.set_table("erased_key");
      table.set_rows_left(keys);
      table.set_why_kept("names of the data keys that were destroyed");
    }
    tx.Exec(sql::kFinishErasure, job_.job_id.ToString(), now_us,
            db::Bytea(done.SerializeAsString()));
    TM_RETURN_IF_ERROR(AppendAudit(tx, *context_.keys, *context_.clock,
                                   {study_.uuid,
                                    study_,
                                    "erasure.done",
                                    PrincipalId{},
                                    {{"erasure", job_.job_id.ToString()},
                                     {"participant", participant_.ToString()},
                                     {"chunks_destroyed", fmt::to_string(done.chunks_destroyed())},
                                     {"chunks_kept", fmt::to_string(done.chunks_kept())},
                                     {"keys_destroyed", fmt::to_string(keys)}}}));
    FinishJob(tx, job_);
    return absl::OkStatus();
  }

  const Context& context_;
  const ClockSources& clocks_;
  const ErasureJobOptions& options_;
  const Job& job_;
  const absl::FunctionRef<bool()> stopping_;
  PolitePace pace_;
  v1::Erasure erasure_;
  ParticipantId participant_;
  StudyId study_;
  bool participant_is_gone_ = false;
  // The earlier of two clocks, this server's and the database's: a server whose clock is ahead must
  // not take a key away that others still seal with.
  absl::Time now_;
  absl::Time wait_until_ = absl::InfiniteFuture();
  absl::Status fault_;  // of keys that have to stay
};

}  // namespace

absl::StatusOr<bool> RangeErasureJob::RunOne(absl::FunctionRef<bool()> stopping) const {
  TM_ASSIGN_OR_RETURN(const std::optional<Job> job,
                      LeaseJob(*context_.pool, JobKind::kRangeErasure, options_.lease,
                               absl::Now() + kRangeStepMost));
  if (!job) return false;
  const absl::StatusOr<std::optional<absl::Time>> erased = Erase(*job, stopping);
  if (erased.ok() && !*erased) return true;
  std::string problem;
  absl::Duration pause = absl::ZeroDuration();
  if (erased.ok()) {
    pause = std::max(**erased - context_.clock->Now(), options_.retry_after);
  } else if (!IsShuttingDown(erased.status())) {
    problem = std::string(erased.status().message());
    pause = options_.retry_after;
    LogError("an erasure of a range did not end: {}", problem);
  }
  TM_RETURN_IF_ERROR(ReturnJob(*context_.pool, *job, problem, pause, absl::Now() + kRangeStepMost));
  return true;
}

absl::StatusOr<std::optional<absl::Time>> RangeErasureJob::Erase(
    const Job& job, absl::FunctionRef<bool()> stopping) const {
  return RangeErasureRun(context_, clocks_, options_, job, stopping).Run();
}

}  // namespace tidemark::study
