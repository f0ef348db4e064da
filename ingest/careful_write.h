// A commit that looks at every number before it writes: for duplicates, conflicts, quarantine.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/db/pipeline.h"
#include "ingest/chunk_inserts.h"
#include "ingest/classify.h"
#include "ingest/day_keys.h"
#include "ingest/quarantine_room.h"
#include "ingest/write_item.h"

namespace tidemark::ingest {

// For one transaction, which the caller has begun with the participants in scope and commits.
class CarefulWrite {
 public:
  struct Context {
    db::PipelineConnection* connection;
    DayKeys* keys;
    const QuarantineQuotas* quotas;
    const KnownEpochs* known_epochs;
    absl::Time now;
  };
  // `items` in the order of ComesBefore, of participants that were not erased.
  CarefulWrite(const Context& context, std::span<const WriteItem> items)
      : context_(context), items_(items.begin(), items.end()) {}

  // Writes everything; nothing is decided until the commit. The way:
  //   1. refuse what would be set aside and finds no room or no key: it leaves no trace, no row of
  //      an outbox, no key, so that a device cannot fill the server with what is refused
  //   2. lock the outboxes, so that nobody else settles their numbers
  //   3. look up every number and every hash, and whether admission knew of every erasure
  //   4. decide item by item, each seeing what those before it did
  //   5. write chunks, quarantine and what was settled
  absl::Status Run();

  // After the commit: hands out the verdicts and tells which epochs are now known.
  void Publish(KnownEpochs& known_epochs);

 private:
  using NumberId = std::pair<OutboxId, int64_t>;
  using BodyId = std::tuple<ParticipantId, DeviceId, std::string>;
  using DeviceKey = std::pair<ParticipantId, DeviceId>;

  absl::Status RefuseWithoutRoom();
  std::optional<Verdict> RefusalOf(const WriteItem& item);
  bool IsRepeated(const WriteItem& item) const;
  absl::Status LockOutboxes();
  absl::Status ReadOutboxes(const Command& lock);
  // Whether the outbox exists, and may have this number stored; counts the run that it begins.
  bool IsOutboxKnown(const WriteItem& item) const { return runs_.contains(OutboxOf(item)); }
  bool TakeRun(const WriteItem& item, const NumberFacts& facts);
  void RefuseNumber(const WriteItem& item, NumberFacts& facts, OutboxTally& tally);
  absl::Status LookUpNumbers(std::span<const WriteItem> items);
  absl::Status LookUpBodies(std::span<const WriteItem> items);
  absl::Status LookUpErasures();
  bool IsOutdated(const WriteItem& item) const;
  bool MayNeedRoom() const;
  // What the devices of `items` and their studies hold in quarantine by now.
  absl::Status ReadRoom(std::span<const WriteItem> items, const db::Statement& statement);
  absl::Status LockRoom();
  bool TakeRoom(const WriteItem& item);
  absl::Status LookUpStudyRoom();
  absl::Status Decide();
  absl::Status SetAsideOne(const WriteItem& item, const Classified& classified, Verdict* verdict);
  Command InsertQuarantine(const WriteItem& item, const Classified& classified,
                           const store::DataKey& key) const;
  absl::Status WriteAll();
  absl::StatusOr<db::BinaryResult> Execute(const Command& command) {
    return context_.connection->Execute(*command.statement, command.params);
  }

  const Context context_;
  std::vector<WriteItem> items_;  // without the refused ones

  std::vector<std::pair<WriteItem, Verdict>> refused_;
  std::map<NumberId, NumberFacts> numbers_;
  std::map<BodyId, std::optional<v1::ReceiptReason>> bodies_;
  std::set<std::pair<ParticipantId, int64_t>> outdated_;  // with what admission knew
  std::map<OutboxId, int32_t> runs_;          // of stored numbers, of every outbox that exists
  std::map<OutboxId, int32_t> refused_runs_;  // at most so many
  std::map<DeviceKey, QuarantineUsage> usage_;
  std::map<StudyId, int64_t> study_bytes_;

  OutboxTallies tallies_;
  std::vector<WriteItem> stored_;
  std::vector<Command> quarantine_commands_;
  std::vector<Verdict> verdicts_;  // of items_, in order
  std::set<KnownEpochs::Epoch> new_epochs_;
};

}  // namespace tidemark::ingest
