// PutChunks: a whole bundle through admission, and the receipts of it.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ingest/ingest.h"
#include "tidemark/v1/ingest.pb.h"

namespace tidemark::ingest {

// Blocks until every entry that arrived whole is decided. Entries for which there was no room in
// time are refused as OVERLOADED.
//   INVALID_ARGUMENT     the bundle breaks a limit
//   FAILED_PRECONDITION  INGEST_REFUSED
//   DEADLINE_EXCEEDED    some entries are undecided at the deadline: send the bundle again
//   UNAVAILABLE          shutting down, or no database
absl::StatusOr<v1::PutChunksResponse> UploadBundle(Ingest& ingest, const Sender& sender,
                                                   std::string_view bytes, absl::Time deadline);

}  // namespace tidemark::ingest
