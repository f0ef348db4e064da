#include "store/reseal.h"

#include <algorithm>
#include <string_view>

#include "base/status_macros.h"
#include "store/envelope.h"
#include "store/segment.h"

namespace tidemark::store {
namespace {

absl::StatusOr<std::string> OpenPart(KeyStore& keys, const EnvelopePlace& place, StreamId stream,
                                     EnvelopeCodec codec, std::string_view sealed) {
  absl::StatusOr<OpenedEnvelope> opened = OpenEnvelope(keys, place, stream, sealed);
  // Erased is what a mark says so of; here it would be something that was to be kept.
  if (absl::IsNotFound(opened.status())) {
    return absl::DataLossError("the key of a segment was destroyed before it was sealed anew");
  }
  TM_RETURN_IF_ERROR(opened.status());
  if (opened->codec != codec) return absl::DataLossError("a segment has an unknown codec");
  return std::move(opened->plain);
}

}  // namespace

absl::StatusOr<SealedSegment> ResealSegment(KeyStore& keys, const SegmentPlace& place,
                                            const SealedSegment& sealed,
                                            const std::vector<bool>& keep, const DataKey& to) {
  const bool keeps_some = std::find(keep.begin(), keep.end(), true) != keep.end();
  const auto reseal = [&](const char* table, EnvelopeCodec codec, std::string_view part,
                          auto keep_slots) -> absl::StatusOr<std::string> {
    const EnvelopePlace envelope{table, place.participant_id, place.segment_id.AsBytes()};
    std::string packed;
    if (keeps_some) {
      TM_ASSIGN_OR_RETURN(packed, OpenPart(keys, envelope, place.stream_id, codec, part));
    }
    TM_ASSIGN_OR_RETURN(const std::string kept, keep_slots(packed, keep));
    return SealEnvelope(to, envelope, codec, kept);
  };
  SealedSegment anew;
  TM_ASSIGN_OR_RETURN(
      anew.payload, reseal("segment.payload", EnvelopeCodec::kSegment, sealed.payload, &KeepSlots));
  if (sealed.tiles.empty()) return anew;
  TM_ASSIGN_OR_RETURN(anew.tiles,
                      reseal("segment.tiles", EnvelopeCodec::kTiles, sealed.tiles, &KeepTiles));
  return anew;
}

}  // namespace tidemark::store
