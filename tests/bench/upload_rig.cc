#include "tests/bench/upload_rig.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "base/status_macros.h"

namespace tidemark::bench {
namespace {

// Until a server has done what it does after its start.
constexpr absl::Duration kSettle = absl::Seconds(1);
constexpr absl::Duration kQuickSettle = absl::Milliseconds(200);

}  // namespace

absl::StatusOr<std::unique_ptr<UploadRig>> UploadRig::Make(const RigOptions& options,
                                                           const UploadRigOptions& rig_options) {
  TM_ASSIGN_OR_RETURN(auto server,
                      BenchServer::Start(options, rig_options.name, rig_options.sealer));
  std::unique_ptr<UploadRig> rig(new UploadRig(rig_options, std::move(server)));
  absl::SleepFor(options.quick ? kQuickSettle : kSettle);
  TM_ASSIGN_OR_RETURN(rig->idle_mib_, rig->server().process().ResidentMib());
  TM_ASSIGN_OR_RETURN(rig->fleet_,
                      EnrolFleet({.server = rig->server().address(),
                                  .operator_token_file = rig->server().operator_token_file(),
                                  .work = rig->server().folder(),
                                  .devices = rig_options.streams,
                                  .channels = rig_options.shape.channels}));
  for (const FleetDevice& device : rig->fleet_.devices) {
    rig->makers_.emplace_back(device.stream_id, rig_options.values, rig_options.shape,
                              rig->makers_.size());
  }
  return rig;
}

LoadLane UploadRig::NextLane(size_t stream, int messages) {
  return {.device = &fleet_.devices[stream],
          .messages = PrepareMessages(makers_[stream], messages, options_.chunks_per_message)};
}

std::vector<LoadLane> UploadRig::NextLanes(int messages) {
  std::vector<LoadLane> lanes;
  for (size_t i = 0; i < makers_.size(); ++i) lanes.push_back(NextLane(i, messages));
  return lanes;
}

int UploadRig::MessagesFor(uint64_t bytes) const {
  const uint64_t message_bytes = options_.shape.samples * options_.shape.channels *
                                 sizeof(int16_t) *
                                 static_cast<uint64_t>(options_.chunks_per_message);
  const auto streams = static_cast<uint64_t>(options_.streams);
  return static_cast<int>(std::max<uint64_t>(1, bytes / (message_bytes * streams)));
}

std::vector<std::string> UploadRig::SampleBodies(int count) const {
  ChunkMaker maker(StreamId::MakeV7(), options_.values, options_.shape, makers_.size());
  std::vector<std::string> bodies;
  for (int i = 0; i < count; ++i) bodies.push_back(std::move(*maker.Next().mutable_body()));
  return bodies;
}

}  // namespace tidemark::bench
