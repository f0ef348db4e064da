// What a bench uploads: three axes of int16 at 100 Hz, values of a walk of small steps.
#pragma once

#include <cstdint>
#include <random>

#include "base/ids.h"
#include "tidemark/v1/chunk.pb.h"
#include "tidemark/v1/device.pb.h"

namespace tidemark::bench {

inline constexpr size_t kMotionChannels = 3;

// Declares "acc", version 1; with more channels than three, of modality OTHER.
v1::DeclareStreamRequest DeclareMotion(DeviceId device, StreamId stream,
                                       size_t channels = kMotionChannels);

// The chunks of one writer, in order; about as compressible as real motion.
class MotionChunks {
 public:
  MotionChunks(StreamId stream, uint32_t samples) : stream_id_(stream), samples_(samples) {}

  // Uncompressed.
  v1::ChunkEnvelope Next();

 private:
  StreamId stream_id_;
  uint32_t samples_ = 0;
  WriterId writer_id_ = WriterId::MakeRandom();
  BootId boot_id_ = BootId::MakeRandom();
  uint64_t number_ = 0;
  std::minstd_rand random_{1};
};

}  // namespace tidemark::bench
