// The answers of one ReadSamples call that wait to be sent.
#pragma once

#include <deque>
#include <set>
#include <utility>

#include "store/sample_reading.h"
#include "tidemark/v1/signal.pb.h"

namespace tidemark::study {

// Puts before a block what a client must know to read it: once a stream and version, once a boot
// and clock.
class SampleMessages {
 public:
  void Add(const store::ReadBlock& block);
  void Add(const store::UnreadablePiece& piece);

  bool empty() const { return messages_.empty(); }
  // Stays where it is until Pop().
  const v1::ReadSamplesResponse& front() const { return messages_.front(); }
  void Pop() { messages_.pop_front(); }
  // What was added since the last call, serialized.
  size_t TakeAddedBytes() { return std::exchange(added_bytes_, 0); }

 private:
  void AddPlacement(const store::Placement* placement);
  v1::ReadSamplesResponse& Push() { return messages_.emplace_back(); }

  std::deque<v1::ReadSamplesResponse> messages_;
  size_t added_bytes_ = 0;
  std::set<std::pair<StreamId, int32_t>> streams_;
  std::set<std::pair<BootId, uint32_t>> clocks_;
};

}  // namespace tidemark::study
