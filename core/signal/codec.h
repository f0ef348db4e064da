// The lossless at-rest form of blocks of samples.
//
// Every decoded bit equals what was encoded, NaN payloads and negative zeros included. The form is
// self-describing and checksummed (CRC-32C over everything before it), so that a damaged block is
// an error and never wrong samples. Formats have a number that is never reused; a new coder is a
// new number, and what decodes knows all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/signal/samples.h"

namespace tidemark::signal {

// The first byte of a coded form. kLive: delta prediction and bit packing, for admission (GB/s).
// kDense: fitted prediction and entropy coding over many samples, for the sealer.
enum class BlockFormat : uint8_t { kLive = 1, kDense = 2 };
enum class Effort { kLive, kDense };

// A dense form is as small as it gets from about 32 KiB on, which is also a good size of a row;
// below some 150 samples the live form is smaller, because of tables and lane heads (ADR 0025).
inline constexpr size_t kDensePayloadBytesGoal = size_t{48} << 10;

// `values` has exactly stamps.size() * BytesOf(channels) bytes (a programmer's error otherwise).
// kLive writes BlockFormat::kLive, kDense writes BlockFormat::kDense.
//
// Float channels that hold integers in disguise (every value is float(k * scale) for one scale and
// integers k) are stored as integers and the scale, after checking every value bit for bit.
std::string EncodeBlock(std::span<const SampleType> channels, const Stamps& stamps,
                        std::string_view values, Effort effort = Effort::kLive);

// Several blocks of one stream, such as the chunks of a sealed row, coded as one run of samples
// (BlockFormat::kDense) and given back apart, each with the stamps it had. At least one.
struct BlockView {
  const Stamps* stamps = nullptr;
  std::string_view values;  // as for EncodeBlock
};
std::string EncodeBlocks(std::span<const SampleType> channels, std::span<const BlockView> blocks);

// DATA_LOSS if the checksum fails, the form is not understood, the channels differ from those it
// was encoded with, or it holds more than `count_max` samples. Never reads out of bounds, never
// allocates more than the declared count needs.
//
// DecodeBlock takes either format, with one block in it. DecodeBlocks gives all blocks of either
// format; `count_max` bounds their samples together, and also how many blocks there are.
absl::StatusOr<Block> DecodeBlock(std::span<const SampleType> channels, std::string_view encoded,
                                  size_t count_max);
absl::StatusOr<std::vector<Block>> DecodeBlocks(std::span<const SampleType> channels,
                                                std::string_view encoded, size_t count_max);

// Decode the stamps only, without touching the values (the checksum is still checked).
absl::StatusOr<Stamps> DecodeBlockStamps(std::string_view encoded, size_t count_max);
absl::StatusOr<std::vector<Stamps>> DecodeBlocksStamps(std::string_view encoded, size_t count_max);

}  // namespace tidemark::signal
