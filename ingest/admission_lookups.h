// What admission asks, answered from caches and from the database as tm_ingest.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "ingest/admission.h"
#include "ingest/stop_flag.h"
#include "store/consent_book.h"
#include "store/fresh_cache.h"
#include "store/stream_catalog.h"

namespace tidemark::ingest {

// Thread-safe. A look-up changes nothing, so that a lost connection is a reason to ask again, for
// some seconds and until `stop`.
class AdmissionLookups {
 public:
  struct Parts {  // all outlive this
    store::StreamCatalog* catalog = nullptr;
    store::ConsentBook* consent = nullptr;
    store::PlacementSource* placements = nullptr;
    const Clock* clock = nullptr;
    StopFlag* stop = nullptr;
  };
  explicit AdmissionLookups(const Parts& parts)
      : parts_(parts), placements_(parts.clock, {kPlacementsMax, kPlacementFreshFor}) {}

  // The questions of one submission, by one thread; `sender` and this outlive it.
  std::unique_ptr<AdmissionSource> For(const Sender& sender);

  // Puts in one go the questions that the first chunks of a sender would put one by one.
  void Prepare(const Sender& sender);

 private:
  class Source;
  struct ClockKey {
    DeviceId device_id;
    BootId boot_id;
    uint32_t clock_id = 0;
    friend bool operator==(const ClockKey&, const ClockKey&) = default;
  };
  struct ClockKeyHash {
    size_t operator()(const ClockKey& key) const;
  };
  using StreamInfoPtr = std::shared_ptr<const store::StreamInfo>;

  absl::StatusOr<FoundStream> FindStream(const Sender& sender, StreamId stream, int32_t version);
  absl::StatusOr<StreamInfoPtr> AskCatalog(const Sender& sender, StreamId stream, int32_t version,
                                           absl::Time deadline, bool* known);
  absl::StatusOr<std::optional<store::Placement>> FindPlacement(const Sender& sender, BootId boot,
                                                                uint32_t clock_id);
  // Repeats `ask` while it fails as a lost connection does.
  absl::Status WhileLost(absl::Time deadline, absl::FunctionRef<absl::Status()> ask);

  // A placement hangs on the earliest clock pair of its boot, and an earlier one may still arrive.
  static constexpr absl::Duration kPlacementFreshFor = absl::Seconds(60);
  static constexpr size_t kPlacementsMax = 65'536;

  const Parts parts_;
  // What has a place. That something has none yet is asked again with the next submission.
  store::FreshCache<ClockKey, store::Placement, ClockKeyHash> placements_;
};

}  // namespace tidemark::ingest
