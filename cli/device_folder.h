// A device on this machine's disk: who it is, what waits to be sent, what was proven.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "ingest/client/digest_sink.h"
#include "ingest/client/identity.h"
#include "ingest/client/ledger.h"
#include "ingest/client/outbox.h"
#include "ingest/client/recording.h"
#include "ingest/client/upload_client.h"

namespace tidemark::cli {

// Held by this process alone until destruction.
struct DeviceFolder {
  ingest::Identity identity;
  std::unique_ptr<ingest::Outbox> outbox;
  ingest::Ledger ledger;

  // NOT_FOUND when no device is enrolled there, FAILED_PRECONDITION when it is in use.
  static absl::StatusOr<DeviceFolder> Open(const std::filesystem::path& folder);

  // Plays a recording into the outbox; what it held, by stream.
  absl::StatusOr<std::map<std::string, ingest::DigestSink::Stream>> Record(
      const ingest::Recording& recording);

  // Sends what waits. `server` takes the place of the one the device enrolled at, if it names one.
  ingest::UploadReport Upload(ingest::UploadOptions options,
                              const ingest::ServerAddress& server = {});
};

// One line for people: "1,204 chunks stored, 3 quarantined, 12.3 MB".
std::string Describe(const ingest::UploadReport& report);
// What the exit code says about a report: its status, or partial when chunks were kept or are left.
absl::Status StatusOf(const ingest::UploadReport& report);

}  // namespace tidemark::cli
