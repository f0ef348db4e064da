// Reading signals back: samples, pictures, what exists, and whether it is still what was sent.
//
//   SignalReader ─► StreamCatalog, PlacementSource    which stream, where its clocks stand
//                └► ChunkScan ─► ReaderPool           rows, then sealed segments, a few at a time
//                            └► KeyStore              opens them
//
// Data whose key was destroyed is a gap and never an error; stored bytes that fail their checksum
// are DATA_LOSS. A participant's rows are seen under that participant's scope only, so that a
// stream named under another participant is NOT_FOUND.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/ids.h"
#include "core/signal/overview.h"
#include "store/chunk_row.h"
#include "store/chunk_scan.h"
#include "store/key_store.h"
#include "store/placement.h"
#include "store/reader_pool.h"
#include "store/stream_catalog.h"
#include "store/stream_info.h"

namespace tidemark::store {

using StreamInfoPtr = std::shared_ptr<const StreamInfo>;

// What of a stream to read: a range of study time, of one clock, or all of it.
struct StudyRange {
  signal::TimeRange study;
};
struct EverythingRange {};
using ReadRange = std::variant<StudyRange, ScanRange, EverythingRange>;

struct SampleQuery {
  ParticipantId participant_id;
  StreamId stream_id;
  ReadRange range;
  std::vector<std::string> channels;  // in the order wanted; empty: all, as declared
  bool whole_chunks = false;
};

// A run of neighbouring samples of one chunk, or its encoded segment. Valid during the call.
struct ReadBlock {
  const StreamInfo& stream;  // in the version the chunk follows
  const ChunkRow& chunk;
  const Placement* placement;          // null if the chunk has no place on study time
  uint64_t first_counter;              // of the first sample here
  uint32_t count;                      // samples here; 1 for an encoded segment
  std::span<const int64_t> stamps_ns;  // device time; begin and end for an encoded segment
  std::string_view values;             // planar, of the channels asked for
  std::string_view encoded;
};

struct OverviewQuery {
  ParticipantId participant_id;
  StreamId stream_id;
  signal::TimeRange study_range;
  size_t width = 0;  // 1 to 16,384
};
struct SignalOverview {
  StreamInfoPtr stream;  // newest version: its channels are those of the columns
  signal::Overview overview;
  std::vector<Placement> placements;  // those that held data
  bool from_samples = false;
};

struct CoverageQuery {
  ParticipantId participant_id;
  std::optional<signal::TimeRange> study_range;
  int64_t join_gap_ns = 0;
};
struct StreamCoverage {
  StreamInfoPtr stream;  // newest version
  std::vector<signal::TimeRange> ranges;
  bool truncated = false;  // the list was cut at kCoverageRangesMax
  int64_t chunks = 0;      // these over all time
  int64_t samples = 0;
  int64_t body_bytes = 0;
  int64_t stored_bytes = 0;
  int64_t unplaced_chunks = 0;
  std::optional<int64_t> last_arrival_us;
};
inline constexpr size_t kCoverageRangesMax = 10'000;

enum class Verdict { kIntact, kDamaged, kErased };

// Samples above which GetOverview never reads samples instead of tiles.
inline constexpr int64_t kOverviewSamplesMax = 4'000'000;

// Thread-safe; holds no state of a call.
class SignalReader {
 public:
  struct Parts {  // all outlive the reader
    ReaderPool* pool;
    KeyStore* keys;
    StreamCatalog* catalog;
    PlacementSource* placements;
  };
  explicit SignalReader(const Parts& parts) : parts_(parts) {}

  // Calls `visit` for each block; its error ends the read. Blocks come in order of device time; a
  // range of study time by boot and clock in the order these stand there, everything by writer and
  // number. Unless whole chunks are wanted, only samples whose own stamp lies in the range are
  // given: a chunk yields one block, or one for each run where its stamps leave the range and come
  // back. An outlier stamp finds nothing: its sample is part of the answer only if the chunk's
  // plausible stamps overlap the range. A block has at most kBlockBytesMax bytes of stamps and
  // values, so that large chunks come in several.
  //   NOT_FOUND         no such stream
  //   INVALID_ARGUMENT  a stream of records, or a channel that the chunk's version does not have
  //   DATA_LOSS         stored bytes fail their checksum
  absl::Status ReadSamples(const SampleQuery& query, absl::Time deadline,
                           absl::FunctionRef<absl::Status(const ReadBlock&)> visit);
  static constexpr size_t kBlockBytesMax = 1'000'000;

  // From tiles where a column spans at least two buckets, else from samples. Channels are those of
  // the newest version in physical units; one that an older version does not have under the same
  // name and unit has no values there.
  //   NOT_FOUND         no such stream
  //   INVALID_ARGUMENT  not a sampled stream
  absl::StatusOr<SignalOverview> GetOverview(const OverviewQuery& query, absl::Time deadline);

  // Every declared stream of the participant, by id.
  absl::StatusOr<std::vector<StreamCoverage>> GetCoverage(const CoverageQuery& query,
                                                          absl::Time deadline);

  // Rebuilds the body of every chunk of a stream from what is stored and compares its SHA-256 with
  // that of the bytes the device sent.
  absl::Status VerifyStored(ParticipantId participant, StreamId stream, absl::Time deadline,
                            absl::FunctionRef<absl::Status(const ChunkRow&, Verdict)> visit);

 private:
  // The newest version of a stream. NOT_FOUND.
  absl::StatusOr<StreamInfoPtr> FindStream(ParticipantId participant, StreamId stream,
                                           absl::Time deadline);
  ChunkScan::Target TargetOf(ParticipantId participant, StreamId stream,
                             absl::Time deadline) const {
    return {parts_.pool, parts_.keys, participant, stream, deadline};
  }

  const Parts parts_;
};

}  // namespace tidemark::store
