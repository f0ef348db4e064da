// The statements that store chunks: segments, rows, and what records add to them.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/db/pipeline.h"
#include "ingest/day_keys.h"
#include "ingest/write_item.h"

namespace tidemark::ingest {

// A segment holds chunks of one outbox and boot, up to this many bytes (one larger chunk alone) and
// slots.
inline constexpr size_t kSegmentBytesMax = size_t{1} << 20;
inline constexpr size_t kSegmentSlotsMax = 4'096;

struct Command {
  const db::Statement* statement;
  db::BinaryParams params;
};

// Which first epochs are in the database already, so that the statement is seldom needed. Bounded:
// starts anew when full.
class KnownEpochs {
 public:
  using Epoch = std::tuple<ParticipantId, DeviceId, BootId, int32_t, StudyId>;
  bool Knows(const Epoch& epoch) const { return known_.contains(epoch); }
  void Add(const std::set<Epoch>& epochs);

 private:
  static constexpr size_t kEpochsMax = 65'536;
  std::set<Epoch> known_;
};

struct ChunkInserts {
  std::vector<Command> commands;
  std::set<KnownEpochs::Epoch> new_epochs;  // for KnownEpochs::Add after the commit
};
// `items` are AdmittedChunks in the order of ComesBefore, of participants that `keys` knows. Fills
// segment, slot and arrival into their rows.
absl::StatusOr<ChunkInserts> BuildChunkInserts(std::span<const WriteItem> items, DayKeys& keys,
                                               const KnownEpochs& known_epochs, absl::Time now);

// Participants of chunks, with how many erased ranges admission knew of: parameters of
// sql::kExpectErasedRanges and sql::kListOutdated.
db::BinaryParams KnownErasures(std::span<const WriteItem> items);

// The answer where there are others by now: by the time the device asks again, they are known.
inline constexpr uint32_t kJudgeAnewRetryMs = 10 * 1'000;
inline Verdict JudgeAnew() {
  return Verdict::RetryAfter(v1::RECEIPT_REASON_CONSENT_UNDECIDED, kJudgeAnewRetryMs);
}

// What a commit does to one outbox.
struct OutboxTally {
  StudyId study_id;
  DeviceId device_id;
  std::vector<int64_t> stored;
  std::vector<int64_t> quarantined;
  std::vector<int64_t> refused;
  int64_t duplicates = 0;
  const store::ChunkRow* newest = nullptr;  // stored, with the highest number

  void AddStored(const store::ChunkRow& row);
};
// In the order in which rows are locked.
using OutboxTallies = std::map<OutboxId, OutboxTally>;

// sql::kSettleStored, for outboxes that are only stored to.
Command SettleStored(const OutboxTallies& tallies, absl::Time now);
// sql::kSettleNumbers.
Command SettleNumbers(const OutboxTallies& tallies, absl::Time now);

}  // namespace tidemark::ingest
