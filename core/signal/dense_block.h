// The dense form of one or more blocks of a stream: what codec.h writes for Effort::kDense.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/signal/codec.h"

namespace tidemark::signal {

// Appends the blocks coded as one run of samples:
//   stamps of the blocks, as dense_stamps.h
//   codes that the channels share, as dense_residuals.h
//   varint  number of channels, then each as dense_channel.h, the values of all blocks in a row
void AppendDenseBlocks(std::span<const SampleType> channels, std::span<const BlockView> blocks,
                       std::string& to);

// The inverse of the whole of `body`. DATA_LOSS on anything AppendDenseBlocks cannot have written.
absl::StatusOr<std::vector<Block>> ReadDenseBlocks(std::span<const SampleType> channels,
                                                   std::string_view body, size_t count_max);
// The stamps only.
absl::StatusOr<std::vector<Stamps>> ReadDenseBlocksStamps(std::string_view body, size_t count_max);

}  // namespace tidemark::signal
