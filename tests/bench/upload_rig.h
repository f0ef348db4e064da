// A server, its devices, and the chunks that they have not yet sent.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/bench_server.h"
#include "tests/bench/fleet.h"
#include "tests/bench/prepared_chunks.h"
#include "tests/bench/upload_load.h"

namespace tidemark::bench {

struct UploadRigOptions {
  std::string name;  // of its database, among those of the bench
  int streams = 1;   // each of a device and a participant of its own
  ChunkShape shape;
  int chunks_per_message = 1;
  const MotionValues* values = nullptr;
  BenchServer::Sealer sealer = BenchServer::Sealer::kIdle;
};

class UploadRig {
 public:
  static absl::StatusOr<std::unique_ptr<UploadRig>> Make(const RigOptions& options,
                                                         const UploadRigOptions& rig);

  // The next messages of every stream.
  std::vector<LoadLane> NextLanes(int messages);
  // The same for one stream.
  LoadLane NextLane(size_t stream, int messages);
  // So many that all streams together have `bytes` of values.
  int MessagesFor(uint64_t bytes) const;

  // Bodies as they are sent: what a limit stores instead. Not sent themselves.
  std::vector<std::string> SampleBodies(int count) const;

  BenchServer& server() { return *server_; }
  const Fleet& fleet() const { return fleet_; }
  ChunkMaker& maker(size_t stream) { return makers_[stream]; }
  // What the server held before anything was sent to it.
  double idle_mib() const { return idle_mib_; }

 private:
  UploadRig(const UploadRigOptions& options, std::unique_ptr<BenchServer> server)
      : options_(options), server_(std::move(server)) {}

  UploadRigOptions options_;
  std::unique_ptr<BenchServer> server_;
  Fleet fleet_;
  std::vector<ChunkMaker> makers_;
  double idle_mib_ = 0;
};

}  // namespace tidemark::bench
