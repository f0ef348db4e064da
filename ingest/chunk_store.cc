#include "ingest/chunk_store.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "base/db/access_scope.h"
#include "base/db/sql_error.h"
#include "base/status_macros.h"
#include "ingest/careful_write.h"
#include "ingest/sql.h"
#include "tidemark/v1/ingest.pb.h"

namespace tidemark::ingest {
namespace {

constexpr std::string_view kUniqueViolation = "23505";
constexpr std::string_view kNotNullViolation = "23502";
constexpr std::string_view kDivisionByZero = "22012";

// The statements of a fast write: settling comes first and locks the outboxes; the question whether
// admission knew of every erasure comes last, when the transaction has written.
constexpr size_t kSettleStep = 0;

std::string ScopeSql(std::span<const WriteItem> items) {
  std::set<ParticipantId> participants;
  for (const WriteItem& item : items) participants.insert(item.sender->participant_id);
  return db::AccessScope{{participants.begin(), participants.end()}, {}}.ToSql();
}

// A number is settled, or a range was erased that admission did not know of.
bool NeedsCare(const absl::Status& status, size_t failed_step, size_t last_step) {
  const std::string_view sqlstate = db::SqlstateOf(status);
  return sqlstate == kUniqueViolation ||
         (sqlstate == kNotNullViolation && failed_step == kSettleStep) ||
         (sqlstate == kDivisionByZero && failed_step == last_step);
}

OutboxTallies TallyStored(std::span<const WriteItem> items) {
  OutboxTallies tallies;
  for (const WriteItem& item : items) {
    OutboxTally& tally = tallies[OutboxOf(item)];
    tally.study_id = item.sender->study_id;
    tally.device_id = item.sender->device_id;
    tally.AddStored(item.chunk()->row);
  }
  return tallies;
}

// A body that is to be set aside needs a key only once there is room for it, so that those without
// make none: their stream ids are the device's invention. One that is refused needs none at all.
std::optional<Verdict> RefusalByKeys(const WriteItem& item, DayKeys& keys) {
  const ParticipantId participant = item.sender->participant_id;
  return item.chunk() != nullptr ? keys.Refusal(participant, item.key().stream_id)
                                 : keys.RefusalIfErased(participant);
}

}  // namespace

absl::Status ChunkStore::Connect() {
  if (connection_ != nullptr && connection_->healthy()) return absl::OkStatus();
  connection_.reset();
  TM_ASSIGN_OR_RETURN(connection_, db::PipelineConnection::Connect(
                                       {.dsn = options_.dsn,
                                        .application_name = "tidemark ingest",
                                        .statement_timeout_ms = options_.statement_timeout_ms,
                                        .statements = {sql::kAllStatements}}));
  // Planning anew for every batch costs more than any of these statements does.
  const absl::Status set = connection_->Run("set plan_cache_mode = force_generic_plan", "PlanOnce");
  if (!set.ok()) connection_.reset();
  return set;
}

std::span<WriteItem> ChunkStore::RefuseWithoutKey(std::span<WriteItem> items, DayKeys& keys) {
  std::vector<WriteItem> refused;
  size_t kept = 0;
  for (const WriteItem& item : items) {
    const std::optional<Verdict> refusal = RefusalByKeys(item, keys);
    if (!refusal) {
      items[kept++] = item;
      continue;
    }
    *item.verdict = refusal;
    refused.push_back(item);
  }
  std::copy(refused.begin(), refused.end(), items.begin() + static_cast<std::ptrdiff_t>(kept));
  return items.first(kept);
}

absl::StatusOr<bool> ChunkStore::TryWriteFast(std::span<WriteItem> items) {
  const absl::Time now = options_.clock->Now();
  DayKeys keys(options_.keys, now);
  items = RefuseWithoutKey(items, keys);
  if (items.empty()) return true;
  std::sort(items.begin(), items.end(), ComesBefore);

  TM_ASSIGN_OR_RETURN(ChunkInserts inserts, BuildChunkInserts(items, keys, known_epochs_, now));
  const Command settle = SettleStored(TallyStored(items), now);
  std::vector<db::PipelineConnection::Step> steps = {{settle.statement, &settle.params}};
  for (const Command& command : inserts.commands) {
    steps.push_back({command.statement, &command.params});
  }
  const db::BinaryParams known = KnownErasures(items);
  steps.push_back({&sql::kExpectErasedRanges, &known});
  TM_RETURN_IF_ERROR(Connect());
  size_t failed_step = 0;
  const absl::Status status =
      connection_->RunTransaction("begin; " + ScopeSql(items), steps, &failed_step).status();
  if (NeedsCare(status, failed_step, steps.size() - 1)) return false;
  TM_RETURN_IF_ERROR(status);
  for (const WriteItem& item : items) *item.verdict = Verdict::Stored();
  known_epochs_.Add(inserts.new_epochs);
  return true;
}

absl::Status ChunkStore::WriteCareful(std::span<WriteItem> items) {
  const absl::Time now = options_.clock->Now();
  DayKeys keys(options_.keys, now);
  items = RefuseWithoutKey(items, keys);
  if (items.empty()) return absl::OkStatus();
  std::stable_sort(items.begin(), items.end(), ComesBefore);

  TM_RETURN_IF_ERROR(Connect());
  CarefulWrite write({connection_.get(), &keys, &options_.quotas, &known_epochs_, now}, items);
  TM_RETURN_IF_ERROR(InTransaction(ScopeSql(items), [&] { return write.Run(); }));
  write.Publish(known_epochs_);
  return absl::OkStatus();
}

absl::Status ChunkStore::InTransaction(const std::string& scope_sql,
                                       absl::FunctionRef<absl::Status()> body) {
  TM_RETURN_IF_ERROR(connection_->Run("begin; " + scope_sql, "begin"));
  absl::Status status = body();
  if (status.ok()) {
    status = connection_->Run("commit", "commit");
    // A connection that is lost now leaves the commit in doubt.
    if (db::ConnectionIsLost(status)) return absl::UnknownError("connection lost during commit");
    return status;
  }
  if (connection_->healthy()) (void)connection_->Run("rollback", "rollback");
  return status;
}

// Redrive -----------------------------------------------------------------------------------------

absl::StatusOr<std::optional<Verdict>> ChunkStore::Redrive(QuarantineId id, const Uuid& request,
                                                           WriteItem item) {
  const absl::Time now = options_.clock->Now();
  DayKeys keys(options_.keys, now);
  if (const std::optional<Verdict> refusal = RefusalByKeys(item, keys)) return refusal;
  std::optional<Verdict> verdict;
  TM_RETURN_IF_ERROR(Connect());
  TM_RETURN_IF_ERROR(InTransaction(ScopeSql({&item, 1}), [&]() -> absl::Status {
    TM_ASSIGN_OR_RETURN(verdict, RedriveLocked({id, request, item, &keys, now}));
    return absl::OkStatus();
  }));
  return verdict;
}

absl::StatusOr<std::optional<Verdict>> ChunkStore::RedriveLocked(const RedriveStep& step) {
  const Uuid participant = step.item.sender->participant_id.uuid;
  const Uuid stream = step.item.key().stream_id.uuid;
  const Uuid writer = step.item.key().writer_id.uuid;
  const Uuid device = step.item.sender->device_id.uuid;
  const auto one = [](const auto& value) { return std::span(&value, 1); };

  db::BinaryParams outbox;
  outbox.AddArray(one(participant)).AddArray(one(stream)).AddArray(one(writer));
  TM_RETURN_IF_ERROR(connection_->Execute(sql::kLockStreamStates, outbox).status());
  db::BinaryParams entry;
  entry.Add(participant).Add(step.id);
  TM_ASSIGN_OR_RETURN(const db::BinaryResult held,
                      connection_->Execute(sql::kLockQuarantined, entry));
  if (held.rows() == 0) return std::optional<Verdict>();
  TM_ASSIGN_OR_RETURN(
      const db::BinaryResult outdated,
      connection_->Execute(sql::kListOutdated, KnownErasures(std::span(&step.item, 1))));
  if (outdated.rows() > 0) return JudgeAnew();

  db::BinaryParams number;
  number.AddArray(one(participant)).AddArray(one(stream)).AddArray(one(writer));
  number.AddArray(one(step.item.key().number)).AddArray(one(device));
  TM_ASSIGN_OR_RETURN(const db::BinaryResult found,
                      connection_->Execute(sql::kLookUpNumbers, number));
  const bool same = found.Bool(0, 0) && found.Bytes(0, 4) == step.item.decision->sha256;
  if (found.Bool(0, 0) && !same) return Verdict::Quarantined(v1::RECEIPT_REASON_CONFLICT);
  if (found.Bool(0, 2)) return Verdict::Quarantined(v1::RECEIPT_REASON_ABANDONED);
  TM_RETURN_IF_ERROR(MoveOutOfQuarantine(step, !same));
  return same ? Verdict::Duplicate() : Verdict::Stored();
}

absl::Status ChunkStore::MoveOutOfQuarantine(const RedriveStep& step, bool store) {
  const WriteItem& item = step.item;
  std::vector<Command> commands;
  if (store) {
    TM_ASSIGN_OR_RETURN(ChunkInserts inserts,
                        BuildChunkInserts({&item, 1}, *step.keys, known_epochs_, step.now));
    commands = std::move(inserts.commands);
    // Before it counts as stored, its number stops counting as quarantined.
    Command unsettle{&sql::kUnsettleQuarantined, {}};
    unsettle.params.Add(item.sender->participant_id).Add(item.key().stream_id);
    unsettle.params.Add(item.key().writer_id).Add(item.key().number);
    unsettle.params.Add(item.sender->device_id).Add(item.sender->study_id);
    unsettle.params.AddTimestamp(absl::ToUnixMicros(step.now));
    commands.push_back(std::move(unsettle));
    commands.push_back(SettleNumbers(TallyStored({&item, 1}), step.now));
  }
  constexpr int16_t kRedriven = v1::QUARANTINE_STATE_REDRIVEN;
  Command release{&sql::kReleaseQuarantined, {}};
  release.params.Add(item.sender->participant_id).Add(step.id).Add(kRedriven);
  release.params.AddTimestamp(absl::ToUnixMicros(step.now)).Add(step.request);
  commands.push_back(std::move(release));
  Command count{&sql::kAddQuarantineUsage, {}};
  count.params.Add(item.sender->participant_id).Add(item.sender->device_id);
  count.params.Add(-static_cast<int64_t>(item.decision->body.size())).Add(int64_t{-1});
  commands.push_back(std::move(count));
  for (const Command& command : commands) {
    TM_RETURN_IF_ERROR(connection_->Execute(*command.statement, command.params).status());
  }
  return absl::OkStatus();
}

}  // namespace tidemark::ingest
