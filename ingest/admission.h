// Admission: everything that can be said of a chunk before the database is asked.
//
// docs/upload.md has the rules in one table, in the order in which they are checked.
#pragma once

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ingest/chunk.h"
#include "store/consent.h"
#include "store/placement.h"
#include "store/stream_info.h"
#include "tidemark/v1/chunk.pb.h"

namespace tidemark::ingest {

// How long a device keeps a chunk whose kind of record will be served one day.
inline constexpr uint32_t kNotYetSupportedRetryMs = 24 * 3'600 * 1'000;
// How long it keeps one of a kind of data on which nobody recorded a decision yet.
inline constexpr uint32_t kConsentUndecidedRetryMs = 15 * 60 * 1'000;
// How long it keeps one that consent may not cover and no clock pair places yet.
inline constexpr uint32_t kNoPlaceYetRetryMs = 60 * 1'000;

struct FoundStream {
  std::shared_ptr<const store::StreamInfo> info;  // null: no such stream, or not that version
  // The stream in some version, if the sender's own device declared it. Never that of another
  // device, so that an answer does not tell whether that one exists.
  std::shared_ptr<const store::StreamInfo> own;
};

// What admission asks about one sender. A status of any of these is the status of the decision:
// then nothing is decided.
class AdmissionSource {
 public:
  virtual ~AdmissionSource() = default;

  // A stream of the sender's participant.
  virtual absl::StatusOr<FoundStream> FindStream(StreamId stream, int32_t version) = 0;
  // Null when there is no such participant: the writer answers those who were erased.
  virtual absl::StatusOr<std::shared_ptr<const store::ConsentTimeline>> FindConsent() = 0;
  // Nothing while no clock pair of the boot has come. Asked only where the answer hangs on it.
  virtual absl::StatusOr<std::optional<store::Placement>> FindPlacement(BootId boot,
                                                                        uint32_t clock_id) = 0;
  virtual absl::Time Now() const = 0;
};

// Decides one envelope, whose body it takes. Needs time for one pass of hashing, checking and
// coding; touches the database only through `source`. Safe on any bytes.
absl::StatusOr<Decision> Admit(const Sender& sender, v1::ChunkEnvelope envelope,
                               AdmissionSource& source);

// The same for a body whose hash is known to be right: what a redrive does.
absl::StatusOr<Decision> AdmitBody(const Sender& sender, std::string body, std::string sha256,
                                   AdmissionSource& source);

}  // namespace tidemark::ingest
