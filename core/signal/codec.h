// The lossless at-rest form of a block of samples.
//
// Every decoded bit equals what was encoded, NaN payloads and negative zeros included. The form is
// self-describing and checksummed (CRC-32C over everything before it), so that a damaged block is
// an error and never wrong samples. Formats have a number that is never reused; a new coder is a
// new number.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/signal/samples.h"

namespace tidemark::signal {

// kLive: delta prediction and bit packing, for admission (GB/s). kDense: the best of several
// predictors with Rice coding, for the sealer.
enum class Effort { kLive, kDense };

// `values` has exactly stamps.size() * BytesOf(channels) bytes (a programmer's error otherwise).
//
// Float channels that hold integers in disguise (every value is float(k * scale) for one scale and
// integers k) are stored as integers and the scale, after checking every value bit for bit.
std::string EncodeBlock(std::span<const SampleType> channels, const Stamps& stamps,
                        std::string_view values, Effort effort = Effort::kLive);

// DATA_LOSS if the checksum fails, the form is not understood, the channels differ from those it
// was encoded with, or it holds more than `count_max` samples. Never reads out of bounds, never
// allocates more than the declared count needs.
absl::StatusOr<Block> DecodeBlock(std::span<const SampleType> channels, std::string_view encoded,
                                  size_t count_max);

// Decodes the stamps only, without touching the values (the checksum is still checked).
absl::StatusOr<Stamps> DecodeBlockStamps(std::string_view encoded, size_t count_max);

}  // namespace tidemark::signal
