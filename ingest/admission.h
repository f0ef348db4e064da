// Admission: everything that can be said of a chunk before the database is asked.
//
// docs/upload.md has the rules in one table, in the order in which they are checked.
#pragma once

#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "ingest/chunk.h"
#include "store/stream_info.h"
#include "tidemark/v1/chunk.pb.h"

namespace tidemark::ingest {

// How long a device keeps a chunk whose kind of record will be served one day.
inline constexpr uint32_t kNotYetSupportedRetryMs = 24 * 3'600 * 1'000;

struct FoundStream {
  std::shared_ptr<const store::StreamInfo> info;  // null: no such stream, or not that version
  // The sender's own device declared the stream, in whatever versions. Never true for a stream of
  // another device, so that an answer does not tell whether that one exists.
  bool stream_known = false;
};
// Asks for a stream of the sender's participant.
using FindStream = absl::FunctionRef<absl::StatusOr<FoundStream>(StreamId stream, int32_t version)>;

// Decides one envelope, whose body it takes. Needs time for one pass of hashing, checking and
// coding; touches the database only through `find_stream`. Safe on any bytes.
//
// A status is an error of `find_stream`: then nothing is decided.
absl::StatusOr<Decision> Admit(const Sender& sender, v1::ChunkEnvelope envelope,
                               FindStream find_stream);

// The same for a body whose hash is known to be right: what a redrive does.
absl::StatusOr<Decision> AdmitBody(const Sender& sender, std::string body, std::string sha256,
                                   FindStream find_stream);

}  // namespace tidemark::ingest
