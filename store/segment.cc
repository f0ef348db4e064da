#include "store/segment.h"

#include <zstd.h>

#include <cassert>
#include <limits>

#include "base/endian.h"
#include "base/status_macros.h"

namespace tidemark::store {
namespace {

// Segment: 'S' ‖ version ‖ count (2) ‖ count x {form (1) ‖ end (4)} ‖ bytes of the slots
// Tiles:   'T' ‖ version ‖ count (2) ‖ count x {end (4)} ‖ bytes of the slots
// `end` counts from the first byte behind the table, so that any slot is found without a scan.
constexpr char kSegmentMark = 'S';
constexpr char kTilesMark = 'T';
constexpr uint8_t kSegmentVersion = 1;
constexpr size_t kSegmentHeaderBytes = 4;
constexpr size_t kSegmentEntryBytes = 5;
constexpr size_t kTilesEntryBytes = 4;
constexpr size_t kSlotsMax = 32'767;
// Fast; bodies that come here are mostly compressed media already.
constexpr int kZstdLevel = 1;

absl::Status Malformed() { return absl::DataLossError("a segment is malformed"); }

std::string Header(char mark, size_t slots, size_t bytes) {
  assert(slots <= kSlotsMax && bytes <= std::numeric_limits<uint32_t>::max());
  std::string packed;
  packed.reserve(kSegmentHeaderBytes + slots * kSegmentEntryBytes + bytes);
  packed.push_back(mark);
  AppendLe(packed, kSegmentVersion);
  AppendLe(packed, static_cast<uint16_t>(slots));
  return packed;
}

// The bounds of one slot, and where its table entry begins.
struct SlotPlace {
  std::string_view bytes;
  size_t entry;
};

// `end_offset` is where `end` stands within a table entry of `entry_bytes`.
absl::StatusOr<SlotPlace> Locate(std::string_view packed, char mark, size_t entry_bytes,
                                 size_t end_offset, int slot) {
  if (packed.size() < kSegmentHeaderBytes || packed[0] != mark ||
      LoadLe<uint8_t>(packed.data() + 1) != kSegmentVersion) {
    return Malformed();
  }
  const size_t count = LoadLe<uint16_t>(packed.data() + 2);
  const size_t table_end = kSegmentHeaderBytes + count * entry_bytes;
  if (slot < 0 || static_cast<size_t>(slot) >= count || table_end > packed.size()) {
    return Malformed();
  }
  const auto index = static_cast<size_t>(slot);
  const size_t entry = kSegmentHeaderBytes + index * entry_bytes;
  const auto end_of = [&](size_t at) {
    return size_t{
        LoadLe<uint32_t>(packed.data() + kSegmentHeaderBytes + at * entry_bytes + end_offset)};
  };
  const size_t begin = index == 0 ? 0 : end_of(index - 1);
  const size_t end = end_of(index);
  const std::string_view bytes = packed.substr(table_end);
  if (begin > end || end > bytes.size() || end_of(count - 1) != bytes.size()) return Malformed();
  return SlotPlace{bytes.substr(begin, end - begin), entry};
}

}  // namespace

std::string PackSegment(std::span<const SegmentSlot> slots) {
  size_t bytes = 0;
  for (const SegmentSlot& slot : slots) bytes += slot.bytes.size();
  std::string packed = Header(kSegmentMark, slots.size(), bytes);
  size_t end = 0;
  for (const SegmentSlot& slot : slots) {
    end += slot.bytes.size();
    AppendLe(packed, static_cast<uint8_t>(slot.form));
    AppendLe(packed, static_cast<uint32_t>(end));
  }
  for (const SegmentSlot& slot : slots) packed += slot.bytes;
  return packed;
}

absl::StatusOr<SegmentSlotView> FindSlot(std::string_view packed, int slot) {
  TM_ASSIGN_OR_RETURN(const SlotPlace place,
                      Locate(packed, kSegmentMark, kSegmentEntryBytes, 1, slot));
  const auto form = static_cast<SlotForm>(packed[place.entry]);
  if (form == SlotForm::kErased) return absl::NotFoundError("the chunk was erased");
  if (form != SlotForm::kBlock && form != SlotForm::kBody) return Malformed();
  return SegmentSlotView{form, place.bytes};
}

std::string PackTiles(std::span<const std::string> slots) {
  size_t bytes = 0;
  for (const std::string& slot : slots) bytes += slot.size();
  std::string packed = Header(kTilesMark, slots.size(), bytes);
  size_t end = 0;
  for (const std::string& slot : slots) {
    end += slot.size();
    AppendLe(packed, static_cast<uint32_t>(end));
  }
  for (const std::string& slot : slots) packed += slot;
  return packed;
}

absl::StatusOr<std::string_view> FindTiles(std::string_view packed, int slot) {
  TM_ASSIGN_OR_RETURN(const SlotPlace place, Locate(packed, kTilesMark, kTilesEntryBytes, 0, slot));
  return place.bytes;
}

absl::StatusOr<std::string> KeepSlots(std::string_view packed, const std::vector<bool>& keep) {
  std::vector<SegmentSlot> slots(keep.size(), {SlotForm::kErased, ""});
  for (size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i]) continue;
    const absl::StatusOr<SegmentSlotView> slot = FindSlot(packed, static_cast<int>(i));
    if (!slot.ok()) return Malformed();
    slots[i] = {slot->form, std::string(slot->bytes)};
  }
  return PackSegment(slots);
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
