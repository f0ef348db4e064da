#include "store/segment.h"

#include <zstd.h>

#include <algorithm>
#include <cassert>
#include <limits>

#include "base/endian.h"
#include "base/status_macros.h"
#include "store/joint_block.h"

namespace tidemark::store {
namespace {

// Segment: 'S' ‖ version ‖ count (2) ‖ count x {form (1) ‖ end (4)} ‖ bytes of the slots ‖ joint
// block Tiles:   'T' ‖ version ‖ count (2) ‖ count x {end (4)} ‖ bytes of the slots `end` counts
// from the first byte behind the table, so that any slot is found without a scan. Version 2 of a
// segment has a joint block; all else is version 1.
constexpr char kSegmentMark = 'S';
constexpr char kTilesMark = 'T';
constexpr uint8_t kSegmentVersion = 1;
constexpr uint8_t kJointVersion = 2;
constexpr size_t kSegmentHeaderBytes = 4;
constexpr size_t kSegmentEntryBytes = 5;
constexpr size_t kTilesEntryBytes = 4;
constexpr size_t kSlotsMax = 32'767;
// Fast; bodies that come here are mostly compressed media already.
constexpr int kZstdLevel = 1;

absl::Status Malformed() { return absl::DataLossError("a segment is malformed"); }

std::string Header(char mark, uint8_t version, size_t slots, size_t bytes) {
  assert(slots <= kSlotsMax && bytes <= std::numeric_limits<uint32_t>::max());
  std::string packed;
  packed.reserve(kSegmentHeaderBytes + slots * kSegmentEntryBytes + bytes);
  packed.push_back(mark);
  AppendLe(packed, version);
  AppendLe(packed, static_cast<uint16_t>(slots));
  return packed;
}

// One kind of packed part; `end_offset` is where `end` stands within an entry of its table.
struct PartShape {
  char mark;
  uint8_t version_max;
  size_t entry_bytes;
  size_t end_offset;
};
constexpr PartShape kSegmentShape{kSegmentMark, kJointVersion, kSegmentEntryBytes, 1};
constexpr PartShape kTilesShape{kTilesMark, kSegmentVersion, kTilesEntryBytes, 0};

// The table of a part, and what stands behind it. Its last end is inside.
class SlotTable {
 public:
  static absl::StatusOr<SlotTable> Read(std::string_view packed, const PartShape& shape) {
    if (packed.size() < kSegmentHeaderBytes || packed[0] != shape.mark) return Malformed();
    const auto version = LoadLe<uint8_t>(packed.data() + 1);
    SlotTable table(packed, shape, LoadLe<uint16_t>(packed.data() + 2));
    const size_t table_end = kSegmentHeaderBytes + table.count_ * shape.entry_bytes;
    if (version == 0 || version > shape.version_max || table_end > packed.size()) {
      return Malformed();
    }
    table.bytes_ = packed.substr(table_end);
    const bool fits = version == kJointVersion ? table.slots_end() <= table.bytes_.size()
                                               : table.slots_end() == table.bytes_.size();
    if (!fits) return Malformed();
    return table;
  }

  size_t count() const { return count_; }
  uint8_t FormOf(size_t slot) const {
    return LoadLe<uint8_t>(packed_.data() + kSegmentHeaderBytes + slot * shape_.entry_bytes);
  }
  absl::StatusOr<std::string_view> BytesOf(int slot) const {
    if (slot < 0 || static_cast<size_t>(slot) >= count_) return Malformed();
    const auto index = static_cast<size_t>(slot);
    const size_t begin = index == 0 ? 0 : EndOf(index - 1);
    const size_t end = EndOf(index);
    if (begin > end || end > bytes_.size()) return Malformed();
    return bytes_.substr(begin, end - begin);
  }
  std::string_view joint() const { return bytes_.substr(slots_end()); }

 private:
  SlotTable(std::string_view packed, const PartShape& shape, size_t count)
      : packed_(packed), shape_(shape), count_(count) {}

  size_t EndOf(size_t slot) const {
    return LoadLe<uint32_t>(packed_.data() + kSegmentHeaderBytes + slot * shape_.entry_bytes +
                            shape_.end_offset);
  }
  size_t slots_end() const { return count_ == 0 ? 0 : EndOf(count_ - 1); }

  std::string_view packed_;
  PartShape shape_;
  size_t count_;
  std::string_view bytes_;
};

// The joint slots that are kept, in a joint block of their own.
absl::StatusOr<std::string> RejoinKept(std::string_view joint, std::vector<SegmentSlot>& slots) {
  TM_ASSIGN_OR_RETURN(const JointBlock opened, JointBlock::Decode(joint));
  std::vector<signal::Block> kept;
  for (const SegmentSlot& slot : slots) {
    if (slot.form != SlotForm::kJoint) continue;
    TM_ASSIGN_OR_RETURN(const signal::Block* const block, opened.Find(slot.bytes));
    kept.push_back(*block);
  }
  if (kept.empty()) return std::string();
  JoinedSamples joined = JoinSamples(opened.channels(), kept);
  auto next = joined.slots.begin();
  for (SegmentSlot& slot : slots) {
    if (slot.form == SlotForm::kJoint) slot.bytes = std::move(*next++);
  }
  return std::move(joined.joint);
}

}  // namespace

std::string PackSegment(std::span<const SegmentSlot> slots, std::string_view joint) {
  size_t bytes = joint.size();
  for (const SegmentSlot& slot : slots) bytes += slot.bytes.size();
  std::string packed =
      Header(kSegmentMark, joint.empty() ? kSegmentVersion : kJointVersion, slots.size(), bytes);
  size_t end = 0;
  for (const SegmentSlot& slot : slots) {
    end += slot.bytes.size();
    AppendLe(packed, static_cast<uint8_t>(slot.form));
    AppendLe(packed, static_cast<uint32_t>(end));
  }
  for (const SegmentSlot& slot : slots) packed += slot.bytes;
  packed += joint;
  return packed;
}

absl::StatusOr<SegmentSlotView> FindSlot(std::string_view packed, int slot) {
  TM_ASSIGN_OR_RETURN(const SlotTable table, SlotTable::Read(packed, kSegmentShape));
  TM_ASSIGN_OR_RETURN(const std::string_view bytes, table.BytesOf(slot));
  const auto form = static_cast<SlotForm>(table.FormOf(static_cast<size_t>(slot)));
  switch (form) {
    case SlotForm::kErased:
      return absl::NotFoundError("the chunk was erased");
    case SlotForm::kBlock:
    case SlotForm::kBody:
      return SegmentSlotView{form, bytes};
    case SlotForm::kJoint:
      if (table.joint().empty()) return Malformed();
      return SegmentSlotView{form, bytes};
  }
  return Malformed();
}

absl::StatusOr<std::string_view> FindJoint(std::string_view packed) {
  TM_ASSIGN_OR_RETURN(const SlotTable table, SlotTable::Read(packed, kSegmentShape));
  return table.joint();
}

std::string PackTiles(std::span<const std::string> slots) {
  size_t bytes = 0;
  for (const std::string& slot : slots) bytes += slot.size();
  std::string packed = Header(kTilesMark, kSegmentVersion, slots.size(), bytes);
  size_t end = 0;
  for (const std::string& slot : slots) {
    end += slot.size();
    AppendLe(packed, static_cast<uint32_t>(end));
  }
  for (const std::string& slot : slots) packed += slot;
  return packed;
}

absl::StatusOr<std::string_view> FindTiles(std::string_view packed, int slot) {
  TM_ASSIGN_OR_RETURN(const SlotTable table, SlotTable::Read(packed, kTilesShape));
  return table.BytesOf(slot);
}

absl::StatusOr<std::string> KeepSlots(std::string_view packed, const std::vector<bool>& keep) {
  std::vector<SegmentSlot> slots(keep.size(), {SlotForm::kErased, ""});
  for (size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i]) continue;
    const absl::StatusOr<SegmentSlotView> slot = FindSlot(packed, static_cast<int>(i));
    if (!slot.ok()) return Malformed();
    slots[i] = {slot->form, std::string(slot->bytes)};
  }
  const bool has_joint = std::any_of(slots.begin(), slots.end(), [](const SegmentSlot& slot) {
    return slot.form == SlotForm::kJoint;
  });
  if (!has_joint) return PackSegment(slots);
  TM_ASSIGN_OR_RETURN(const std::string_view joint, FindJoint(packed));
  TM_ASSIGN_OR_RETURN(const std::string rejoined, RejoinKept(joint, slots));
  return PackSegment(slots, rejoined);
}

absl::StatusOr<std::string> KeepTiles(std::string_view packed, const std::vector<bool>& keep) {
  std::vector<std::string> slots(keep.size());
  for (size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i]) continue;
    TM_ASSIGN_OR_RETURN(const std::string_view tiles, FindTiles(packed, static_cast<int>(i)));
    slots[i] = std::string(tiles);
  }
  return PackTiles(slots);
}

std::string CompressBody(std::string_view body) {
  std::string bytes(ZSTD_compressBound(body.size()), '\0');
  const size_t size =
      ZSTD_compress(bytes.data(), bytes.size(), body.data(), body.size(), kZstdLevel);
  assert(!ZSTD_isError(size));  // the buffer is large enough for any input
  bytes.resize(size);
  return bytes;
}

absl::StatusOr<std::string> DecompressBody(std::string_view bytes, size_t body_bytes_max) {
  const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > body_bytes_max) {
    return absl::DataLossError("a stored body is malformed");
  }
  std::string body(static_cast<size_t>(size), '\0');
  const size_t got = ZSTD_decompress(body.data(), body.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(got) || got != body.size()) {
    return absl::DataLossError("a stored body does not decompress");
  }
  return body;
}

}  // namespace tidemark::store
