#include "core/signal/codec.h"

#include <utility>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/status_macros.h"
#include "core/signal/channel_codec.h"
#include "core/signal/varint.h"

// A block is
//   u8      format
//   stamps  as EncodeStamps writes them
//   varint  number of channels, then each as channel_codec.h
//   u32     CRC-32C of everything before it
namespace tidemark::signal {
namespace {

constexpr uint8_t kFormat = 1;  // a new coder is a new number; numbers are never reused

absl::Status Damaged(const char* what) {
  return absl::DataLossError(std::string("stored block: ") + what);
}

// The body without format and checksum, both checked.
absl::StatusOr<std::string_view> CheckedBody(std::string_view encoded) {
  if (encoded.size() < sizeof(uint8_t) + sizeof(uint32_t)) return Damaged("too short");
  const std::string_view body = encoded.substr(0, encoded.size() - sizeof(uint32_t));
  if (Crc32c(body) != LoadLe<uint32_t>(encoded.data() + body.size())) {
    return Damaged("checksum mismatch");
  }
  if (LoadLe<uint8_t>(body.data()) != kFormat) return Damaged("unknown format");
  return body.substr(1);
}

}  // namespace

std::string EncodeBlock(std::span<const SampleType> channels, const Stamps& stamps,
                        std::string_view values, Effort effort) {
  std::string to;
  to.reserve(values.size() + values.size() / 16 + 64 * (channels.size() + 1));
  AppendLe(to, kFormat);
  to += EncodeStamps(stamps);
  AppendVarint(to, channels.size());
  for (const SampleType type : channels) {
    const size_t bytes = BytesOf(type) * stamps.size();
    EncodeChannel(type, values.substr(0, bytes), effort, to);
    values.remove_prefix(bytes);
  }
  AppendLe(to, Crc32c(to));
  return to;
}

absl::StatusOr<Block> DecodeBlock(std::span<const SampleType> channels, std::string_view encoded,
                                  size_t count_max) {
  TM_ASSIGN_OR_RETURN(std::string_view body, CheckedBody(encoded));
  Block block;
  TM_ASSIGN_OR_RETURN(block.stamps, DecodeStamps(body, count_max));
  ByteReader from(body);
  if (ReadVarint(from) != channels.size()) return Damaged("another number of channels");
  const size_t count = block.count();
  block.values.resize(BytesOf(channels) * count);
  char* values = block.values.data();
  for (const SampleType type : channels) {
    if (!DecodeChannel(type, from, count, values)) return Damaged("unreadable channel");
    values += BytesOf(type) * count;
  }
  if (!from.done()) return Damaged("bytes after the last channel");
  return block;
}

absl::StatusOr<Stamps> DecodeBlockStamps(std::string_view encoded, size_t count_max) {
  TM_ASSIGN_OR_RETURN(std::string_view body, CheckedBody(encoded));
  return DecodeStamps(body, count_max);
}

}  // namespace tidemark::signal
