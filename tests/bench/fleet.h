// Devices that a bench uploads from: enrolled, in a session, with a declared stream each.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "ingest/client/identity.h"

namespace tidemark::bench {

// A device of a participant of its own, over a connection of its own.
struct FleetDevice {
  std::shared_ptr<grpc::Channel> channel;
  std::string token;  // of its session
  ParticipantId participant_id;
  DeviceId device_id;
  StreamId stream_id;  // int16 channels at 100 Hz (DeclareMotion)
};

struct Fleet {
  std::vector<FleetDevice> devices;
  std::string manager_token;  // of the study; may read what they record
};

struct FleetOptions {
  std::string server;               // host:port
  std::string operator_token_file;  // of its operator: the study is of the bench's own
  std::string work;                 // folder for the devices' keys
  int devices = 1;
  size_t channels = 3;
};
absl::StatusOr<Fleet> EnrolFleet(const FleetOptions& options);

}  // namespace tidemark::bench
