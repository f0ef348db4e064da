// Chunks and messages made before a measurement, so that it does not contain their making.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "tests/bench/motion_values.h"
#include "tidemark/v1/chunk.pb.h"

namespace tidemark::bench {

struct ChunkShape {
  uint32_t samples = 0;
  size_t channels = kMotionChannels;

  // So many samples that their values fill `bytes`.
  static constexpr ChunkShape OfBytes(size_t bytes, size_t channels = kMotionChannels) {
    return {static_cast<uint32_t>(bytes / (channels * sizeof(int16_t))), channels};
  }
};

// The chunks of one writer: numbered from 0, at 100 Hz from device time 0 on, without a gap.
class ChunkMaker {
 public:
  // `values` outlives this. `seed` says where in them the stream begins.
  ChunkMaker(StreamId stream, const MotionValues* values, ChunkShape shape, uint64_t seed)
      : stream_id_(stream), values_(values), shape_(shape), begin_(seed * kApart) {}

  v1::ChunkEnvelope Next() { return Seal(Body(number_++, 0)); }
  // The next number, in a body that admission sets aside: its stamps span more than an hour.
  v1::ChunkEnvelope NextSpanningTooMuch();
  // A number that is taken by a chunk of other bytes, made `ago` chunks earlier.
  v1::ChunkEnvelope ConflictWith(uint64_t ago) { return Seal(Body(number_ - ago, kApart / 2)); }

  const BootId& boot_id() const { return boot_id_; }
  const ChunkShape& shape() const { return shape_; }
  uint64_t next_number() const { return number_; }

 private:
  static constexpr uint64_t kApart = 7'919;

  v1::ChunkBody Body(uint64_t number, uint64_t shift) const;
  static v1::ChunkEnvelope Seal(const v1::ChunkBody& body);

  StreamId stream_id_;
  const MotionValues* values_;
  ChunkShape shape_;
  uint64_t begin_ = 0;
  WriterId writer_id_ = WriterId::MakeRandom();
  BootId boot_id_ = BootId::MakeRandom();
  uint64_t number_ = 0;
};

// A message as it is handed to the wire; copies share its bytes.
struct PreparedMessage {
  grpc::ByteBuffer bytes;
  uint64_t first_number = 0;
  uint32_t chunks = 0;
  uint64_t body_bytes = 0;  // of all chunks
};
PreparedMessage Prepare(std::vector<v1::ChunkEnvelope> envelopes, uint64_t first_number);
// `messages` messages of `chunks` chunks each.
std::vector<PreparedMessage> PrepareMessages(ChunkMaker& maker, int messages, int chunks);

}  // namespace tidemark::bench
