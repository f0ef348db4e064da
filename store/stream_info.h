// What a stream's declaration means to code: payload kind, channels, rate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "core/signal/samples.h"

namespace tidemark::store {

// The numbers are stored in chunk.kind.
enum class PayloadKind : int16_t { kSamples = 1, kEncoded = 2, kRecords = 3 };

struct ChannelInfo {
  std::string name;
  std::string unit;  // UCUM
  signal::SampleType type = signal::SampleType::kInt16;
  double scale = 1;  // physical = value * scale + offset
  double offset = 0;
};

struct StreamInfo {
  ParticipantId participant_id;
  StudyId study_id;
  DeviceId device_id;
  StreamId stream_id;
  std::string name;
  int32_t version = 0;
  int32_t modality = 0;  // tidemark.v1.Modality
  PayloadKind kind = PayloadKind::kSamples;
  std::vector<ChannelInfo> channels;
  bool stamped = false;
  int64_t period_ns = 0;    // of the nominal rate, rounded; 0 when there is none
  std::string declaration;  // tidemark.v1.StreamDeclaration as stored
  int64_t declared_at_us = 0;

  std::vector<signal::SampleType> channel_types() const {
    std::vector<signal::SampleType> types;
    types.reserve(channels.size());
    for (const ChannelInfo& channel : channels) types.push_back(channel.type);
    return types;
  }
};

}  // namespace tidemark::store
