// Reads a stream back from the server, to compare it with what was recorded.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/ids.h"
#include "ingest/client/digest_sink.h"
#include "ingest/client/stall_guard.h"
#include "tidemark/v1/signal.grpc.pb.h"

namespace tidemark::ingest {

// The digest of everything the server holds of a sampled or encoded stream, chunk by chunk in order
// of writer and number: equal to what DigestSink made of the recording, if and only if every sample
// and stamp came back bit for bit. `token` is a manager's.
// However much there is, it may take its time, as long as something comes:
//   DEADLINE_EXCEEDED  nothing came for `stall_timeout`
//   DATA_LOSS          stored bytes are damaged, or an answer contradicts itself
absl::StatusOr<StreamDigest::Summary> ReadBack(v1::SignalService::Stub& stub,
                                               const std::string& token,
                                               const ParticipantId& participant_id,
                                               const StreamId& stream_id,
                                               absl::Duration stall_timeout = kReadStallTimeout);

}  // namespace tidemark::ingest
