// Placement by the device's own word: the earliest clock pair it declared.
#pragma once

#include "store/placement.h"
#include "store/reader_pool.h"

namespace tidemark::store {

// study = device + (wall - sensor) of the pair with the smallest sensor time of a boot and clock.
// Nobody knows how wrong a device's wall clock is: sigma and bound are absent. The answer is read
// anew each time, because an earlier pair may still arrive. A clock costs one step of an index,
// however many the participant has.
class DeclaredPlacements final : public PlacementSource {
 public:
  // `pool` outlives this.
  explicit DeclaredPlacements(ReaderPool* pool) : pool_(pool) {}

  absl::StatusOr<std::vector<std::optional<Placement>>> For(ParticipantId participant,
                                                            std::span<const DeviceClock> clocks,
                                                            absl::Time deadline) override;

 private:
  ReaderPool* const pool_;
};

}  // namespace tidemark::store
