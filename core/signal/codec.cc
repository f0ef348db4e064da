#include "core/signal/codec.h"

#include <cassert>
#include <utility>

#include "base/crc32c.h"
#include "base/endian.h"
#include "base/status_macros.h"
#include "core/signal/channel_codec.h"
#include "core/signal/dense_block.h"
#include "core/signal/varint.h"

// A block is
//   u8      format
//   live:   stamps as EncodeStamps writes them
//           varint  number of channels, then each as channel_codec.h
//   dense:  as dense_block.h
//   u32     CRC-32C of everything before it
namespace tidemark::signal {
namespace {

absl::Status Damaged(const char* what) {
  return absl::DataLossError(std::string("stored block: ") + what);
}

struct CheckedForm {
  BlockFormat format;
  std::string_view body;  // without format and checksum
};

absl::StatusOr<CheckedForm> Checked(std::string_view encoded) {
  if (encoded.size() < sizeof(uint8_t) + sizeof(uint32_t)) return Damaged("too short");
  const std::string_view body = encoded.substr(0, encoded.size() - sizeof(uint32_t));
  if (Crc32c(body) != LoadLe<uint32_t>(encoded.data() + body.size())) {
    return Damaged("checksum mismatch");
  }
  const auto format = LoadLe<BlockFormat>(body.data());
  if (format != BlockFormat::kLive && format != BlockFormat::kDense) {
    return Damaged("unknown format");
  }
  return CheckedForm{format, body.substr(1)};
}

std::string EncodeLive(std::span<const SampleType> channels, const Stamps& stamps,
                       std::string_view values) {
  std::string to;
  to.reserve(values.size() + values.size() / 16 + 64 * (channels.size() + 1));
  AppendLe(to, BlockFormat::kLive);
  to += EncodeStamps(stamps);
  AppendVarint(to, channels.size());
  for (const SampleType type : channels) {
    const size_t bytes = BytesOf(type) * stamps.size();
    EncodeChannel(type, values.substr(0, bytes), Effort::kLive, to);
    values.remove_prefix(bytes);
  }
  AppendLe(to, Crc32c(to));
  return to;
}

absl::StatusOr<Block> ReadLive(std::span<const SampleType> channels, std::string_view body,
                               size_t count_max) {
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

// What DecodeBlock promises of a form that may hold several.
template <class Element>
absl::StatusOr<Element> Only(std::vector<Element> elements) {
  if (elements.size() != 1) return Damaged("it holds several blocks");
  return std::move(elements.front());
}

}  // namespace

std::string EncodeBlock(std::span<const SampleType> channels, const Stamps& stamps,
                        std::string_view values, Effort effort) {
  if (effort == Effort::kLive) return EncodeLive(channels, stamps, values);
  const BlockView block{&stamps, values};
  return EncodeBlocks(channels, {&block, 1});
}

std::string EncodeBlocks(std::span<const SampleType> channels, std::span<const BlockView> blocks) {
  assert(!blocks.empty());
  std::string to;
  AppendLe(to, BlockFormat::kDense);
  AppendDenseBlocks(channels, blocks, to);
  AppendLe(to, Crc32c(to));
  return to;
}

absl::StatusOr<Block> DecodeBlock(std::span<const SampleType> channels, std::string_view encoded,
                                  size_t count_max) {
  TM_ASSIGN_OR_RETURN(const CheckedForm form, Checked(encoded));
  if (form.format == BlockFormat::kLive) return ReadLive(channels, form.body, count_max);
  TM_ASSIGN_OR_RETURN(std::vector<Block> blocks, ReadDenseBlocks(channels, form.body, count_max));
  return Only(std::move(blocks));
}

absl::StatusOr<std::vector<Block>> DecodeBlocks(std::span<const SampleType> channels,
                                                std::string_view encoded, size_t count_max) {
  TM_ASSIGN_OR_RETURN(const CheckedForm form, Checked(encoded));
  if (form.format == BlockFormat::kDense) return ReadDenseBlocks(channels, form.body, count_max);
  std::vector<Block> blocks(1);
  TM_ASSIGN_OR_RETURN(blocks.front(), ReadLive(channels, form.body, count_max));
  return blocks;
}

absl::StatusOr<Stamps> DecodeBlockStamps(std::string_view encoded, size_t count_max) {
  TM_ASSIGN_OR_RETURN(std::vector<Stamps> stamps, DecodeBlocksStamps(encoded, count_max));
  return Only(std::move(stamps));
}

absl::StatusOr<std::vector<Stamps>> DecodeBlocksStamps(std::string_view encoded, size_t count_max) {
  TM_ASSIGN_OR_RETURN(const CheckedForm form, Checked(encoded));
  if (form.format == BlockFormat::kDense) return ReadDenseBlocksStamps(form.body, count_max);
  std::string_view body = form.body;
  std::vector<Stamps> stamps(1);
  TM_ASSIGN_OR_RETURN(stamps.front(), DecodeStamps(body, count_max));
  return stamps;
}

}  // namespace tidemark::signal
