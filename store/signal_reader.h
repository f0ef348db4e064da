// Reading signals back: samples, pictures, what exists, and whether it is still what was sent.
//
//   SignalReader ─► StreamCatalog, PlacementSource    which stream, where its clocks stand
//                └► ChunkScan ─► ReaderPool           rows, then sealed segments, a few at a time
//                            └► KeyStore              opens them
//
// Nothing is left out in silence. What lies outside the participant's consent, as it is recorded
// now, is not shown and named as such; samples and pictures are cut at its borders. Data whose key
// was destroyed is unreadable and never an error; stored bytes that fail their checksum are
// unreadable and DATA_LOSS. A participant's rows are seen under that participant's scope only, so
// that a stream named under another participant is NOT_FOUND.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/ids.h"
#include "core/signal/overview.h"
#include "store/chunk_row.h"
#include "store/chunk_scan.h"
#include "store/consent_book.h"
#include "store/key_store.h"
#include "store/placement.h"
#include "store/reader_pool.h"
#include "store/sample_reading.h"
#include "store/stream_catalog.h"
#include "store/stream_info.h"
#include "store/unreadable.h"

namespace tidemark::store {

using StreamInfoPtr = std::shared_ptr<const StreamInfo>;

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
  std::vector<UnreadableRange> unreadable;  // by reason and time
};

struct CoverageQuery {
  ParticipantId participant_id;
  std::optional<signal::TimeRange> study_range;
  int64_t join_gap_ns = 0;
  std::vector<StreamId> stream_ids;  // empty: all
};
// Counts are those of the chunks that overlap the range, or of all without one.
struct StreamCoverage {
  StreamInfoPtr stream;  // newest version
  std::vector<signal::TimeRange> ranges;
  int64_t joined_gap_ns = 0;  // what was asked for, or more where the list would be too long
  std::vector<UnreadableRange> unreadable;
  int64_t unreadable_chunks = 0;
  int64_t chunks = 0;
  int64_t samples = 0;
  int64_t body_bytes = 0;
  int64_t stored_bytes = 0;     // without a range only
  int64_t unplaced_chunks = 0;  // of all time; with a range counting may end at kUnplacedMax
  std::optional<int64_t> last_arrival_us;
};
inline constexpr size_t kCoverageRangesMax = 10'000;        // of a stream
inline constexpr size_t kCoverageRangesTotalMax = 100'000;  // of an answer
inline constexpr int64_t kUnplacedMax = 100'000;

// A page of a verification: which chunks to look at, in the order of stream, writer and number.
struct VerifyPosition {
  StreamId stream_id;
  ChunkPosition chunk;
};
struct VerifyQuery {
  ParticipantId participant_id;
  std::vector<StreamId> stream_ids;  // empty: all
  std::optional<VerifyPosition> after;
  int chunks_max = 0;  // from 1
};
struct StoredFault {
  UnreadableReason reason;
  StreamId stream_id;
  WriterId writer_id;
  int64_t number = 0;
  Sha256Digest sha256{};  // of the body that was sent
};
struct VerifiedPage {
  int64_t intact_chunks = 0;
  int64_t intact_bytes = 0;  // of their bodies
  std::vector<StoredFault> faults;
  std::optional<VerifyPosition> last;  // nothing: there is no more
};
inline constexpr int64_t kVerifyBytesMax = 64 << 20;  // of bodies after which a page ends

// Samples above which GetOverview never reads samples instead of tiles.
inline constexpr int64_t kOverviewSamplesMax = 4'000'000;
// Columns of all channels together: 16 bytes each of an answer, whose 4 MiB also hold gaps.
inline constexpr size_t kOverviewCellsMax = 196'608;

// Thread-safe; holds no state of a call.
class SignalReader {
 public:
  struct Parts {  // all outlive the reader
    ReaderPool* pool;
    KeyStore* keys;
    StreamCatalog* catalog;
    PlacementSource* placements;
    ConsentBook* consent;
  };
  explicit SignalReader(const Parts& parts) : parts_(parts) {}

  // Whether the participant has all of these streams. NOT_FOUND.
  absl::Status CheckStreams(ParticipantId participant, const std::vector<StreamId>& streams,
                            absl::Time deadline) {
    return FindStreams(participant, streams, deadline).status();
  }

  // Begins a read, which gives blocks and unreadable chunks in order of device time; a range of
  // study time by boot and clock in the order these stand there, everything by writer and number
  // and then what was quarantined. Unless whole chunks are wanted, only samples whose own stamp
  // lies in the range are given: a chunk yields one block, or one for each run where its stamps
  // leave the range and come back. An outlier stamp finds nothing: its sample is part of the answer
  // only if the chunk's plausible stamps overlap the range. A block has at most kBlockBytesMax
  // bytes of stamps and values, so that large chunks come in several.
  //   NOT_FOUND            no such stream
  //   INVALID_ARGUMENT     a stream of records
  //   FAILED_PRECONDITION  a range of study time, and a boot that was cut into epochs
  // Reading a range of study time with too many boots ends as RESOURCE_EXHAUSTED
  // (store/placed_ranges.h).
  absl::StatusOr<std::unique_ptr<SampleReading>> OpenSamples(const SampleQuery& query,
                                                             absl::Time deadline);

  // From tiles where a column spans at least two buckets, else from samples. Channels are those of
  // the newest version in physical units; one that an older version does not have under the same
  // name and unit has no values there.
  // What cannot be read is a gap and named; damage does not end a picture.
  //   NOT_FOUND            no such stream
  //   INVALID_ARGUMENT     not a sampled stream, or too many columns for its number of channels
  //   FAILED_PRECONDITION  a boot that was cut into epochs
  //   RESOURCE_EXHAUSTED   too many boots lie in the range
  absl::StatusOr<SignalOverview> GetOverview(const OverviewQuery& query, absl::Time deadline);

  // Every declared stream of the participant that was asked for, by id. Reads the rows of chunks
  // in the range, and says of erased data that it cannot be read; damage is not seen.
  //   NOT_FOUND  no such stream
  //   DATA_LOSS  a key of what is stored is missing and was never destroyed
  absl::StatusOr<std::vector<StreamCoverage>> GetCoverage(const CoverageQuery& query,
                                                          absl::Time deadline);

  // Rebuilds the bodies of the next chunks from what is stored and compares their SHA-256 with that
  // of the bytes the device sent.
  //   NOT_FOUND  no such stream
  absl::StatusOr<VerifiedPage> VerifyStored(const VerifyQuery& query, absl::Time deadline);

 private:
  // The newest version of a stream. NOT_FOUND.
  absl::StatusOr<StreamInfoPtr> FindStream(ParticipantId participant, StreamId stream,
                                           absl::Time deadline);
  // Those asked for, by id; all if none is named. NOT_FOUND.
  absl::StatusOr<std::vector<StreamInfoPtr>> FindStreams(ParticipantId participant,
                                                         std::vector<StreamId> streams,
                                                         absl::Time deadline);
  ChunkScan::Target TargetOf(ParticipantId participant, StreamId stream,
                             absl::Time deadline) const {
    return {parts_.pool, parts_.keys, participant, stream, deadline};
  }

  const Parts parts_;
};

}  // namespace tidemark::store
