// What an upload did.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::ingest {

struct UploadReport {
  // OK when nothing is left that may be sent now; else why it stopped. Whatever it is, the counts
  // below are true and the outbox is whole.
  absl::Status status;
  std::map<v1::Outcome, uint64_t> receipts;  // every answer, repeated ones too
  uint64_t chunks_deleted = 0;               // committed by the server, proven, in the ledger
  uint64_t chunks_set_aside = 0;             // of these: quarantined, with their bytes
  uint64_t body_bytes_deleted = 0;           // of their bodies, uncompressed
  uint64_t envelope_bytes_sent = 0;          // as they travelled
  uint64_t chunks_kept = 0;                  // moved to the kept folder
  uint64_t chunks_stopped = 0;               // deleted because they must not exist
  uint64_t chunks_left = 0;                  // still in the outbox
  uint64_t chunks_unreadable = 0;            // of these: their files could not be read this time
  uint64_t numbers_abandoned = 0;            // settled because this device holds no body for them
  uint64_t writers_started = 0;              // the outbox had been restored from a copy
  uint64_t attempts_failed = 0;
  std::string note;  // why something was kept or left, the last time it happened
  absl::Duration elapsed;
};

}  // namespace tidemark::ingest
