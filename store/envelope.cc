#include "store/envelope.h"

#include "base/crypto.h"
#include "base/endian.h"
#include "base/status_macros.h"

namespace tidemark::store {
namespace {

// version (1) ‖ codec (1) ‖ day of the data key (4) ‖ its generation (4) ‖ AES-GCM
constexpr uint8_t kEnvelopeVersion = 1;
constexpr size_t kEnvelopeHeaderBytes = 10;
constexpr size_t kKeyNameBytes = sizeof(int32_t) + sizeof(uint32_t);

// Every part has a fixed size or its length in front, so that no two places read the same.
std::string Associated(std::string_view header, const EnvelopePlace& place, StreamId stream) {
  std::string bytes = "tidemark-envelope";
  bytes.reserve(bytes.size() + header.size() + place.table.size() + place.row_key.size() + 34);
  bytes += header;
  AppendLe(bytes, static_cast<uint16_t>(place.table.size()));
  bytes += place.table;
  bytes += place.participant_id.AsBytes();
  bytes += stream.AsBytes();
  bytes += place.row_key;
  return bytes;
}

bool IsKnown(uint8_t codec) {
  return codec >= static_cast<uint8_t>(EnvelopeCodec::kPlain) &&
         codec <= static_cast<uint8_t>(EnvelopeCodec::kTileRow);
}

}  // namespace

absl::StatusOr<DataKeyName> ParseKeyName(StreamId stream, std::string_view bytes) {
  if (bytes.size() != kKeyNameBytes) return absl::InternalError("no name of a data key");
  return DataKeyName{.stream_id = stream,
                     .utc_day = LoadLe<int32_t>(bytes.data()),
                     .generation = LoadLe<uint32_t>(bytes.data() + sizeof(int32_t))};
}

std::string SealEnvelope(const DataKey& key, const EnvelopePlace& place, EnvelopeCodec codec,
                         std::string_view plain) {
  std::string sealed;
  sealed.reserve(kEnvelopeHeaderBytes + kAesOverheadBytes + plain.size());
  AppendLe(sealed, kEnvelopeVersion);
  AppendLe(sealed, static_cast<uint8_t>(codec));
  AppendLe(sealed, key.name.utc_day);
  AppendLe(sealed, key.name.generation);
  sealed += AesGcmSeal(key.bytes, Associated(sealed, place, key.name.stream_id), plain);
  return sealed;
}

absl::StatusOr<OpenedEnvelope> OpenEnvelope(KeyStore& keys, const EnvelopePlace& place,
                                            StreamId stream, std::string_view sealed) {
  ByteReader reader(sealed);
  const auto version = reader.Read<uint8_t>();
  const auto codec = reader.Read<uint8_t>();
  DataKeyName name{.stream_id = stream};
  name.utc_day = reader.Read<int32_t>();
  name.generation = reader.Read<uint32_t>();
  if (!reader.ok() || version != kEnvelopeVersion || !IsKnown(codec)) {
    return absl::DataLossError("a sealed value has an unknown form");
  }
  TM_ASSIGN_OR_RETURN(const DataKey key, keys.Find(place.participant_id, name));
  OpenedEnvelope opened{.codec = static_cast<EnvelopeCodec>(codec), .plain = {}};
  TM_ASSIGN_OR_RETURN(
      opened.plain,
      AesGcmOpen(key.bytes, Associated(sealed.substr(0, kEnvelopeHeaderBytes), place, stream),
                 reader.rest()));
  return opened;
}

}  // namespace tidemark::store
