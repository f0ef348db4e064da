// What the sealer reads and writes: one connection, one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/db/access_scope.h"
#include "base/db/pipeline.h"
#include "base/ids.h"
#include "store/key_store.h"
#include "store/sealer/seal_pack.h"
#include "store/sealer/seal_plan.h"

namespace tidemark::sealer {

// The live segments of one stream.
struct LiveStream {
  StudyId study_id;
  ParticipantId participant_id;
  StreamId stream_id;
  int64_t segments = 0;
  int64_t bytes = 0;  // as stored
  absl::Time oldest;  // arrival
  absl::Time newest;
};

// A stream of which this worker is the only sealer for a while.
struct StreamClaim {
  StudyId study_id;
  ParticipantId participant_id;
  StreamId stream_id;
  int64_t fence = 0;
};

// A segment as it was read.
struct SourcePayload {
  SegmentId segment_id;
  std::string sealed;
};

// One run that takes the place of what it was made of.
struct RunSwap {
  const PlannedRun* plan;
  const store::DataKey* key;            // of plan->group.key_name
  std::span<const SourceChunk> chunks;  // as they were read
  std::span<const PackedRun> runs;      // made of them
  bool dense = true;
  std::span<const SegmentId> sources;  // where the chunks lay
  absl::Time arrived;                  // the newest of them: says which month
  absl::Time now;
};

struct SealStoreOptions {
  std::string dsn;  // of tm_app
  int64_t statement_timeout_ms = 30'000;
  absl::Duration lease = absl::Minutes(5);
  // For tests: called before every statement and COMMIT of a swap. An error is taken for the death
  // of the process: the connection is dropped.
  std::function<absl::Status(std::string_view step)> before_step = {};
};

class SealStore {
 public:
  explicit SealStore(SealStoreOptions options) : options_(std::move(options)) {}

  // All of these fail as the database does (UNAVAILABLE, DEADLINE_EXCEEDED, ...); the next call
  // connects anew.

  absl::StatusOr<std::vector<StudyId>> Studies();
  // Up to kLiveStreamsPerPage streams with live segments behind `after`, in order.
  absl::StatusOr<std::vector<LiveStream>> LiveStreams(StudyId study, const LiveStream& after,
                                                      absl::Time now);
  absl::StatusOr<int64_t> CountFaults(StudyId study);
  // Some runs that were packed in a hurry, by stream, as plans to pack each of them again.
  struct QuickRuns {
    LiveStream stream;
    std::vector<PlannedRun> runs;
  };
  absl::StatusOr<std::vector<QuickRuns>> ListQuickRuns(StudyId study);

  // Nothing while it is another worker's.
  absl::StatusOr<std::optional<StreamClaim>> Claim(const LiveStream& stream);
  absl::Status Release(const StreamClaim& claim);

  // What a plan is made from, as of one moment; at most kLiveChunksPerPlan chunks.
  struct StreamContent {
    std::vector<StoredChunkRow> live;
    std::vector<OpenRun> open;
    SettledNumbers settled;
  };
  absl::StatusOr<StreamContent> Read(const StreamClaim& claim, absl::Time now);
  absl::StatusOr<std::vector<StoredChunkRow>> ChunksOf(const StreamClaim& claim,
                                                       std::span<const store::RunId> runs);
  absl::StatusOr<std::vector<SourcePayload>> Payloads(const StreamClaim& claim,
                                                      std::span<const SegmentId> segments);

  // In one transaction; see docs/adr/0026.
  //   ABORTED  what was read has changed meanwhile, or the claim is another worker's: nothing was
  //            done
  //   UNKNOWN  the connection died inside COMMIT: look again
  absl::Status Swap(const StreamClaim& claim, const RunSwap& swap);
  absl::Status CloseRuns(const StreamClaim& claim, std::span<const store::RunId> runs);
  // They are neither merged nor packed any more.
  absl::Status LeaveRuns(const StreamClaim& claim, std::span<const store::RunId> runs);
  absl::Status NoteFault(const StreamClaim& claim, SegmentId segment, std::string_view problem,
                         absl::Time now);

 private:
  using Steps = std::span<const db::PipelineConnection::Step>;

  absl::Status EnsureConnected();
  absl::StatusOr<std::vector<db::BinaryResult>> Query(const db::AccessScope& scope, Steps steps);
  absl::StatusOr<db::BinaryResult> QueryOne(const db::AccessScope& scope,
                                            const db::Statement& statement,
                                            const db::BinaryParams& params);
  absl::Status Write(const StreamClaim& claim, const db::Statement& statement,
                     const db::BinaryParams& params);
  absl::StatusOr<std::vector<StoredChunkRow>> ReadChunks(const StreamClaim& claim,
                                                         const db::BinaryResult& rows) const;

  const SealStoreOptions options_;
  std::unique_ptr<db::PipelineConnection> connection_;
};

inline constexpr int64_t kLiveStreamsPerPage = 1'000;
inline constexpr int64_t kQuickRunsPerRound = 64;
inline constexpr int64_t kLiveChunksPerPlan = 65'536;

}  // namespace tidemark::sealer
