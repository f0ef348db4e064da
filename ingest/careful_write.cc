#include "ingest/careful_write.h"

#include <algorithm>
#include <iterator>

#include "base/db/access_scope.h"
#include "base/status_macros.h"
#include "ingest/number_ranges.h"
#include "ingest/sql.h"
#include "store/envelope.h"
#include "store/segment.h"

namespace tidemark::ingest {
namespace {

// Collects columns of ids for array parameters.
class UuidColumns {
 public:
  explicit UuidColumns(size_t columns) : columns_(columns) {}
  void AddRow(std::initializer_list<Uuid> row) {
    auto column = columns_.begin();
    for (const Uuid& uuid : row) (column++)->push_back(uuid);
  }
  void AppendTo(db::BinaryParams& params, size_t column) const {
    params.AddArray(std::span<const Uuid>(columns_[column]));
  }
  void AppendTo(db::BinaryParams& params) const {
    for (size_t i = 0; i < columns_.size(); ++i) AppendTo(params, i);
  }

 private:
  std::vector<std::vector<Uuid>> columns_;
};

Verdict NoRoom() {
  return Verdict::RetryAfter(v1::RECEIPT_REASON_QUARANTINE_FULL, kQuarantineFullRetryMs);
}

// Time for the device to send what is missing between.
constexpr uint32_t kNoOutboxRoomRetryMs = 60 * 1'000;

Verdict NoOutboxRoom() {
  return Verdict::RetryAfter(v1::RECEIPT_REASON_OVERLOADED, kNoOutboxRoomRetryMs);
}

}  // namespace

absl::Status CarefulWrite::Run() {
  TM_RETURN_IF_ERROR(RefuseWithoutRoom());
  if (items_.empty()) return absl::OkStatus();
  TM_RETURN_IF_ERROR(LockOutboxes());
  TM_RETURN_IF_ERROR(LookUpNumbers(items_));
  TM_RETURN_IF_ERROR(LookUpBodies(items_));
  TM_RETURN_IF_ERROR(LookUpErasures());
  if (MayNeedRoom()) TM_RETURN_IF_ERROR(LockRoom());
  TM_RETURN_IF_ERROR(Decide());
  return WriteAll();
}

void CarefulWrite::Publish(KnownEpochs& known_epochs) {
  for (size_t i = 0; i < items_.size(); ++i) *items_[i].verdict = verdicts_[i];
  for (const auto& [item, verdict] : refused_) *item.verdict = verdict;
  known_epochs.Add(new_epochs_);
}

// Looks without locks: who is refused may come again, and whoever is not is decided under locks.
absl::Status CarefulWrite::RefuseWithoutRoom() {
  std::vector<WriteItem> to_set_aside;
  std::copy_if(items_.begin(), items_.end(), std::back_inserter(to_set_aside),
               [](const WriteItem& item) { return item.is_set_aside(); });
  if (to_set_aside.empty()) return absl::OkStatus();
  TM_RETURN_IF_ERROR(LookUpNumbers(to_set_aside));
  TM_RETURN_IF_ERROR(LookUpBodies(to_set_aside));
  TM_RETURN_IF_ERROR(ReadRoom(to_set_aside, sql::kReadQuarantineUsage));
  std::vector<WriteItem> kept;
  for (const WriteItem& item : items_) {
    if (const std::optional<Verdict> refusal = RefusalOf(item)) {
      refused_.emplace_back(item, *refusal);
    } else {
      kept.push_back(item);
    }
  }
  items_ = std::move(kept);
  numbers_.clear();
  bodies_.clear();
  usage_.clear();
  study_bytes_.clear();
  return absl::OkStatus();
}

std::optional<Verdict> CarefulWrite::RefusalOf(const WriteItem& item) {
  if (!item.is_set_aside() || IsRepeated(item)) return std::nullopt;
  if (!TakeRoom(item)) return NoRoom();
  return context_.keys->Refusal(item.sender->participant_id, kQuarantineKeyStream);
}

// Whether the same bytes are stored under this number, or were set aside before.
bool CarefulWrite::IsRepeated(const WriteItem& item) const {
  const NumberFacts& facts = numbers_.at({OutboxOf(item), item.key().number});
  if (facts.stored && facts.stored_sha256 == item.decision->sha256) return true;
  return bodies_.at({item.sender->participant_id, item.sender->device_id, item.decision->sha256})
      .has_value();
}

absl::Status CarefulWrite::LockOutboxes() {
  for (const WriteItem& item : items_) {
    OutboxTally& tally = tallies_[OutboxOf(item)];
    tally.study_id = item.sender->study_id;
    tally.device_id = item.sender->device_id;
  }
  UuidColumns rows(5);
  UuidColumns keys(3);
  for (const auto& [outbox, tally] : tallies_) {
    rows.AddRow({outbox.participant_id.uuid, outbox.stream_id.uuid, outbox.writer_id.uuid,
                 tally.study_id.uuid, tally.device_id.uuid});
    keys.AddRow({outbox.participant_id.uuid, outbox.stream_id.uuid, outbox.writer_id.uuid});
  }
  Command ensure{&sql::kEnsureStreamStates, {}};
  rows.AppendTo(ensure.params);
  ensure.params.AddTimestamp(absl::ToUnixMicros(context_.now)).Add(kOutboxesPerDeviceMax);
  TM_RETURN_IF_ERROR(Execute(ensure).status());
  Command lock{&sql::kLockStreamStates, {}};
  keys.AppendTo(lock.params);
  return ReadOutboxes(lock);
}

absl::Status CarefulWrite::ReadOutboxes(const Command& lock) {
  TM_ASSIGN_OR_RETURN(const db::BinaryResult found, Execute(lock));
  for (int row = 0; row < found.rows(); ++row) {
    const OutboxId outbox{ParticipantId{found.UuidAt(row, 0)}, StreamId{found.UuidAt(row, 1)},
                          WriterId{found.UuidAt(row, 2)}};
    runs_[outbox] = found.Int32(row, 3);
    refused_runs_[outbox] = found.Int32(row, 4);
  }
  return absl::OkStatus();
}

bool CarefulWrite::TakeRun(const WriteItem& item, const NumberFacts& facts) {
  const auto before = numbers_.find({OutboxOf(item), item.key().number - 1});
  const bool follows = before != numbers_.end() && before->second.stored;
  if (facts.stored_beside || follows) return true;
  int32_t& runs = runs_.at(OutboxOf(item));
  if (runs >= kRunsPerSetMax) return false;
  ++runs;
  return true;
}

// Where an outbox has too many runs of them the receipt alone says so, and the number stays
// missing.
void CarefulWrite::RefuseNumber(const WriteItem& item, NumberFacts& facts, OutboxTally& tally) {
  const int64_t number = item.key().number;
  const bool follows = !tally.refused.empty() && tally.refused.back() + 1 == number;
  int32_t& runs = refused_runs_.at(OutboxOf(item));
  if (!follows && runs >= kRunsPerSetMax) return;
  if (!follows) ++runs;
  tally.refused.push_back(number);
  facts.refused = true;
}

absl::Status CarefulWrite::LookUpNumbers(std::span<const WriteItem> items) {
  UuidColumns ids(4);
  std::vector<int64_t> numbers;
  for (const WriteItem& item : items) {
    ids.AddRow({item.sender->participant_id.uuid, item.key().stream_id.uuid,
                item.key().writer_id.uuid, item.sender->device_id.uuid});
    numbers.push_back(item.key().number);
  }
  Command command{&sql::kLookUpNumbers, {}};
  for (size_t column = 0; column < 3; ++column) ids.AppendTo(command.params, column);
  command.params.AddArray(std::span<const int64_t>(numbers));
  ids.AppendTo(command.params, 3);
  TM_ASSIGN_OR_RETURN(const db::BinaryResult found, Execute(command));
  for (int row = 0; row < found.rows(); ++row) {
    const WriteItem& item = items[static_cast<size_t>(row)];
    numbers_[{OutboxOf(item), item.key().number}] = {
        .stored = found.Bool(row, 0),
        .quarantined = found.Bool(row, 1),
        .abandoned = found.Bool(row, 2),
        .refused = found.Bool(row, 6),
        .own_outbox = found.Bool(row, 3),
        .stored_sha256 = std::string(found.Bytes(row, 4)),
        .stored_beside = found.Bool(row, 5)};
  }
  return absl::OkStatus();
}

absl::Status CarefulWrite::LookUpBodies(std::span<const WriteItem> items) {
  UuidColumns ids(2);
  std::vector<std::string> hashes;
  for (const WriteItem& item : items) {
    ids.AddRow({item.sender->participant_id.uuid, item.sender->device_id.uuid});
    hashes.push_back(item.decision->sha256);
  }
  Command command{&sql::kLookUpQuarantined, {}};
  ids.AppendTo(command.params);
  command.params.AddByteaArray(hashes);
  TM_ASSIGN_OR_RETURN(const db::BinaryResult found, Execute(command));
  for (int row = 0; row < found.rows(); ++row) {
    const WriteItem& item = items[static_cast<size_t>(row)];
    std::optional<v1::ReceiptReason>& before =
        bodies_[{item.sender->participant_id, item.sender->device_id, item.decision->sha256}];
    if (!found.IsNull(row, 0)) before = static_cast<v1::ReceiptReason>(found.Int16(row, 0));
  }
  return absl::OkStatus();
}

// After LockOutboxes, which writes.
absl::Status CarefulWrite::LookUpErasures() {
  TM_ASSIGN_OR_RETURN(const db::BinaryResult found,
                      Execute({&sql::kListOutdated, KnownErasures(items_)}));
  for (int row = 0; row < found.rows(); ++row) {
    outdated_.emplace(ParticipantId{found.UuidAt(row, 0)}, found.Int64(row, 1));
  }
  return absl::OkStatus();
}

bool CarefulWrite::IsOutdated(const WriteItem& item) const {
  return item.chunk() != nullptr &&
         outdated_.contains({item.sender->participant_id, item.chunk()->erased_ranges_known});
}

// False when every item will be stored, or is a repetition of what is stored: the usual case after
// a device lost its receipts.
bool CarefulWrite::MayNeedRoom() const {
  if (numbers_.size() != items_.size()) return true;  // a number occurs twice in this batch
  return std::any_of(items_.begin(), items_.end(), [&](const WriteItem& item) {
    const NumberFacts& facts = numbers_.at({OutboxOf(item), item.key().number});
    const bool repeated = facts.stored && facts.stored_sha256 == item.decision->sha256;
    return !repeated && !item.is_refused() && (facts.settled() || item.chunk() == nullptr);
  });
}

absl::Status CarefulWrite::ReadRoom(std::span<const WriteItem> items,
                                    const db::Statement& statement) {
  for (const WriteItem& item : items) {
    usage_[{item.sender->participant_id, item.sender->device_id}];
    study_bytes_[item.sender->study_id];
  }
  UuidColumns keys(2);
  for (const auto& [device, usage] : usage_) keys.AddRow({device.first.uuid, device.second.uuid});
  Command read{&statement, {}};
  keys.AppendTo(read.params);
  TM_ASSIGN_OR_RETURN(const db::BinaryResult found, Execute(read));
  for (int row = 0; row < found.rows(); ++row) {
    usage_[{ParticipantId{found.UuidAt(row, 0)}, DeviceId{found.UuidAt(row, 1)}}] = {
        .bytes = found.Int64(row, 2), .chunks = found.Int64(row, 3)};
  }
  return LookUpStudyRoom();
}

absl::Status CarefulWrite::LockRoom() {
  std::map<DeviceKey, StudyId> studies;
  for (const WriteItem& item : items_) {
    studies[{item.sender->participant_id, item.sender->device_id}] = item.sender->study_id;
  }
  UuidColumns rows(3);
  for (const auto& [device, study] : studies) {
    rows.AddRow({device.first.uuid, device.second.uuid, study.uuid});
  }
  Command ensure{&sql::kEnsureQuarantineUsage, {}};
  rows.AppendTo(ensure.params);
  TM_RETURN_IF_ERROR(Execute(ensure).status());
  return ReadRoom(items_, sql::kLockQuarantineUsage);
}

// Counts the body of `item` as set aside, if there is room for it.
bool CarefulWrite::TakeRoom(const WriteItem& item) {
  const auto bytes = static_cast<int64_t>(item.decision->body.size());
  QuarantineUsage& usage = usage_.at({item.sender->participant_id, item.sender->device_id});
  int64_t& study_bytes = study_bytes_.at(item.sender->study_id);
  if (!HasRoom(*context_.quotas, usage, study_bytes, bytes)) return false;
  usage.bytes += bytes;
  usage.chunks += 1;
  study_bytes += bytes;
  return true;
}

// The sum runs over all participants of the study, so that the transaction must see them for once.
// It is not locked: two servers may overshoot a study's quota by what they set aside at one time.
absl::Status CarefulWrite::LookUpStudyRoom() {
  db::AccessScope narrow;
  for (const auto& [device, usage] : usage_) narrow.participants.push_back(device.first);
  for (auto& [study, bytes] : study_bytes_) {
    TM_RETURN_IF_ERROR(
        context_.connection->Run(db::AccessScope::Study(study).ToSql(), "scope of a study"));
    Command sum{&sql::kSumStudyQuarantine, {}};
    sum.params.Add(study);
    TM_ASSIGN_OR_RETURN(const db::BinaryResult found, Execute(sum));
    bytes = found.Int64(0, 0);
  }
  return context_.connection->Run(narrow.ToSql(), "scope of a batch");
}

absl::Status CarefulWrite::Decide() {
  verdicts_.reserve(items_.size());
  for (const WriteItem& item : items_) {
    NumberFacts& facts = numbers_.at({OutboxOf(item), item.key().number});
    auto& before =
        bodies_.at({item.sender->participant_id, item.sender->device_id, item.decision->sha256});
    OutboxTally& tally = tallies_.at(OutboxOf(item));
    const Classified classified = Classify(*item.decision, facts, before);
    Verdict& verdict = verdicts_.emplace_back(NoOutboxRoom());
    if (!IsOutboxKnown(item)) continue;
    switch (classified.fate) {
      case Fate::kStore:
        if (IsOutdated(item)) {
          verdict = JudgeAnew();
          break;
        }
        if (!TakeRun(item, facts)) break;
        verdict = Verdict::Stored();
        stored_.push_back(item);
        tally.AddStored(item.chunk()->row);
        facts.stored = true;
        facts.refused = false;
        facts.stored_sha256 = item.decision->sha256;
        break;
      case Fate::kDuplicate:
        verdict = Verdict::Duplicate();
        ++tally.duplicates;
        break;
      case Fate::kAlreadySetAside:
        verdict = Verdict::Quarantined(classified.reason);
        ++tally.duplicates;
        break;
      case Fate::kSetAside:
        TM_RETURN_IF_ERROR(SetAsideOne(item, classified, &verdict));
        if (verdict.outcome != v1::OUTCOME_QUARANTINED) break;
        before = classified.reason;
        if (!classified.settles_number) break;
        tally.quarantined.push_back(item.key().number);
        facts.quarantined = true;
        facts.refused = false;
        break;
      case Fate::kRefuse:
        verdict = Verdict::StopAndDelete(classified.reason);
        if (facts.refused) ++tally.duplicates;
        if (classified.settles_number) RefuseNumber(item, facts, tally);
        break;
    }
  }
  return absl::OkStatus();
}

absl::Status CarefulWrite::SetAsideOne(const WriteItem& item, const Classified& classified,
                                       Verdict* verdict) {
  const ParticipantId participant = item.sender->participant_id;
  if (!TakeRoom(item)) {
    *verdict = NoRoom();
    return absl::OkStatus();
  }
  if (const auto refusal = context_.keys->Refusal(participant, kQuarantineKeyStream)) {
    *verdict = *refusal;
    return absl::OkStatus();
  }
  TM_ASSIGN_OR_RETURN(const store::DataKey* const key,
                      context_.keys->Find(participant, kQuarantineKeyStream));
  quarantine_commands_.push_back(InsertQuarantine(item, classified, *key));
  Command count{&sql::kAddQuarantineUsage, {}};
  count.params.Add(participant).Add(item.sender->device_id);
  count.params.Add(static_cast<int64_t>(item.decision->body.size())).Add(int64_t{1});
  quarantine_commands_.push_back(std::move(count));
  *verdict = Verdict::Quarantined(classified.reason);
  return absl::OkStatus();
}

Command CarefulWrite::InsertQuarantine(const WriteItem& item, const Classified& classified,
                                       const store::DataKey& key) const {
  const QuarantineId id{Uuid::MakeV7(context_.now)};
  const Decision& decision = *item.decision;
  Command command{&sql::kInsertQuarantine, {}};
  db::BinaryParams& params = command.params;
  params.Add(item.sender->participant_id).Add(id).Add(item.sender->study_id);
  params.Add(item.sender->device_id).Add(item.key().stream_id).Add(item.key().writer_id);
  params.Add(item.key().number).AddBytea(decision.sha256);
  params.Add(static_cast<int32_t>(decision.body.size()));
  params.Add(static_cast<int16_t>(classified.reason)).AddText(classified.detail);
  params.AddBytea(
      store::SealEnvelope(key, {"quarantine.body", item.sender->participant_id, id.AsBytes()},
                          store::EnvelopeCodec::kZstd, store::CompressBody(decision.body)));
  params.AddTimestamp(absl::ToUnixMicros(context_.now));
  return command;
}

absl::Status CarefulWrite::WriteAll() {
  TM_ASSIGN_OR_RETURN(
      ChunkInserts inserts,
      BuildChunkInserts(stored_, *context_.keys, *context_.known_epochs, context_.now));
  new_epochs_ = std::move(inserts.new_epochs);
  for (const Command& command : inserts.commands) TM_RETURN_IF_ERROR(Execute(command).status());
  for (const Command& command : quarantine_commands_) {
    TM_RETURN_IF_ERROR(Execute(command).status());
  }
  return Execute(SettleNumbers(tallies_, context_.now)).status();
}

}  // namespace tidemark::ingest
