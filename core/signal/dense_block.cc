#include "core/signal/dense_block.h"

#include <cstring>
#include <deque>

#include "core/signal/dense_channel.h"
#include "core/signal/dense_residuals.h"
#include "core/signal/dense_stamps.h"
#include "core/signal/varint.h"

namespace tidemark::signal {
namespace {

absl::Status DamagedDense(const char* what) {
  return absl::DataLossError(std::string("stored dense block: ") + what);
}

// The values of one channel in all blocks, in a row.
std::string GatherChannel(std::span<const SampleType> channels, size_t index,
                          std::span<const BlockView> blocks) {
  std::string values;
  for (const BlockView& block : blocks) {
    values += ChannelBytes(channels, index, block.stamps->size(), block.values);
  }
  return values;
}

// The other way round. `values` are those of channel `index`.
void ScatterChannel(std::span<const SampleType> channels, size_t index, std::string_view values,
                    std::vector<Block>& blocks) {
  for (Block& block : blocks) {
    const std::string_view to = ChannelBytes(channels, index, block.count(), block.values);
    if (!to.empty()) std::memcpy(const_cast<char*>(to.data()), values.data(), to.size());
    values.remove_prefix(to.size());
  }
}

}  // namespace

void AppendDenseBlocks(std::span<const SampleType> channels, std::span<const BlockView> blocks,
                       std::string& to) {
  std::vector<const Stamps*> stamps;
  for (const BlockView& block : blocks) stamps.push_back(block.stamps);
  AppendDenseStamps(stamps, to);
  std::deque<DenseChannel> coded;
  ResidualPlan plan;
  for (size_t c = 0; c < channels.size(); ++c) {
    coded.emplace_back(channels[c], GatherChannel(channels, c, blocks)).AddTo(plan);
  }
  const ResidualCodes codes = plan.Choose();
  AppendCodes(codes, to);
  AppendVarint(to, channels.size());
  for (const DenseChannel& channel : coded) channel.Append(codes, to);
}

absl::StatusOr<std::vector<Block>> ReadDenseBlocks(std::span<const SampleType> channels,
                                                   std::string_view body, size_t count_max) {
  ByteReader from(body);
  std::vector<Stamps> stamps;
  if (!ReadDenseStamps(from, count_max, stamps)) return DamagedDense("unreadable stamps");
  ResidualTables tables;
  if (!ReadTables(from, tables)) return DamagedDense("unreadable codes");
  if (ReadVarint(from) != channels.size()) return DamagedDense("another number of channels");

  std::vector<Block> blocks(stamps.size());
  size_t count = 0;
  for (size_t b = 0; b < blocks.size(); ++b) {
    blocks[b].stamps = std::move(stamps[b]);
    blocks[b].values.resize(BytesOf(channels) * blocks[b].count());
    count += blocks[b].count();
  }
  DenseIntegersReader integers(tables);
  std::string values;
  for (size_t c = 0; c < channels.size(); ++c) {
    values.resize(BytesOf(channels[c]) * count);
    if (!ReadDenseChannel(channels[c], from, count, integers, values.data())) {
      return DamagedDense("unreadable channel");
    }
    ScatterChannel(channels, c, values, blocks);
  }
  if (!from.done()) return DamagedDense("bytes after the last channel");
  return blocks;
}

absl::StatusOr<std::vector<Stamps>> ReadDenseBlocksStamps(std::string_view body, size_t count_max) {
  ByteReader from(body);
  std::vector<Stamps> stamps;
  if (!ReadDenseStamps(from, count_max, stamps)) return DamagedDense("unreadable stamps");
  return stamps;
}

}  // namespace tidemark::signal
