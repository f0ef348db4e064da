// The plain form of segment.payload and segment.tiles: what one or more chunks hold.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/signal/tiles.h"
#include "store/stream_info.h"

namespace tidemark::store {

// How one chunk lies in a segment. Never reuse a number.
enum class SlotForm : uint8_t {
  // signal::EncodeBlock of the samples; the body is rebuilt from it and from the chunk's row, byte
  // for byte, because admission checked that it can be.
  kBlock = 1,
  // The whole ChunkBody as it was sent (zstd): encoded segments, records, and bodies whose
  // serialization is not the one we would rebuild.
  kBody = 2,
  // Nothing: the chunk was erased, and what it held went with the data key.
  kErased = 3,
  // A part of the segment's joint block (store/joint_block.h); the body is rebuilt as of kBlock.
  kJoint = 4,
};

struct SegmentSlot {
  SlotForm form = SlotForm::kBlock;
  std::string bytes;
};

// Slots in order; at most 32,767 of them. `joint` is the block of those of kJoint, empty for none.
std::string PackSegment(std::span<const SegmentSlot> slots, std::string_view joint = {});
// One slot as a view into `packed`.
//   DATA_LOSS  the segment is malformed or has no such slot
//   NOT_FOUND  the slot was erased
struct SegmentSlotView {
  SlotForm form;
  std::string_view bytes;
};
absl::StatusOr<SegmentSlotView> FindSlot(std::string_view packed, int slot);
// The joint block, empty for none. DATA_LOSS
absl::StatusOr<std::string_view> FindJoint(std::string_view packed);

// The coded buckets (signal::EncodeBuckets) of each slot, empty for slots without samples.
std::string PackTiles(std::span<const std::string> slots);
absl::StatusOr<std::string_view> FindTiles(std::string_view packed, int slot);

// The same segment, or the same tiles, with only those slots that are to be kept, in their places
// and holding what they held; all others become empty, and nothing is left of them. DATA_LOSS if
// one that is to be kept is not there.
absl::StatusOr<std::string> KeepSlots(std::string_view packed, const std::vector<bool>& keep);
absl::StatusOr<std::string> KeepTiles(std::string_view packed, const std::vector<bool>& keep);

// "kBody" bytes: zstd of the body with a bound on the size.
std::string CompressBody(std::string_view body);
absl::StatusOr<std::string> DecompressBody(std::string_view bytes, size_t body_bytes_max);

}  // namespace tidemark::store
