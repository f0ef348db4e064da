// The form of everything sensitive at rest: {version, codec, key, AES-256-GCM}.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "store/key_store.h"

namespace tidemark::store {

// What the bytes mean once opened. Never reuse a number.
enum class EnvelopeCodec : uint8_t {
  kPlain = 1,
  kZstd = 2,
  kSegment = 3,
  kTiles = 4,
  kTileRow = 5
};

// Which row the bytes belong to: bound in, so that sealed bytes moved to another place do not open.
struct EnvelopePlace {
  std::string_view table;  // "segment.payload", "quarantine.body", ...
  ParticipantId participant_id;
  std::string_view row_key;  // the rest of the primary key, as raw bytes
};

// Which key seals a value: 8 bytes behind version and codec, which segment.key_name repeats.
// INTERNAL if `bytes` are not such a name.
absl::StatusOr<DataKeyName> ParseKeyName(StreamId stream, std::string_view bytes);

std::string SealEnvelope(const DataKey& key, const EnvelopePlace& place, EnvelopeCodec codec,
                         std::string_view plain);

struct OpenedEnvelope {
  EnvelopeCodec codec;
  std::string plain;
};
//   DATA_LOSS    altered, moved, or of an unknown version
//   NOT_FOUND    its key is gone: the data was erased
// `stream` must be the stream the row belongs to (zero for text and audit).
absl::StatusOr<OpenedEnvelope> OpenEnvelope(KeyStore& keys, const EnvelopePlace& place,
                                            StreamId stream, std::string_view sealed);

}  // namespace tidemark::store
