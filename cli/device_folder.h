// A device on this machine's disk: who it is, what waits to be sent, what was proven.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "cli/json.h"
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

  using Streams = std::map<std::string, ingest::DigestSink::Stream>;

  // Plays a recording into the outbox; what it held, by stream.
  absl::StatusOr<Streams> Record(const ingest::Recording& recording);

  struct Import {
    Streams streams;  // what the recording holds
    uint64_t chunks_new = 0;
    uint64_t chunks_before = 0;  // that an earlier import of the same recording wrote
  };
  // The same for a recording that may have been taken before, wholly or up to a cut: writes what is
  // missing and nothing twice. Plays twice, the first time to see what the recording is.
  //   ABORTED  the files changed meanwhile
  absl::StatusOr<Import> ImportOnce(const ingest::Recording& recording);

  // Sends what waits. `server` takes the place of the one the device enrolled at, if it names one.
  ingest::UploadReport Upload(ingest::UploadOptions options,
                              const ingest::ServerAddress& server = {});
};

// "1,204 stored, 3 quarantined"; empty for none.
std::string Describe(const std::map<v1::Outcome, uint64_t>& receipts);
// One line for people: "1,204 chunks stored, 3 quarantined, 12.3 MB".
std::string Describe(const ingest::UploadReport& report);
Json ToJson(const ingest::UploadReport& report);
// What the exit code says about a report: its status, partial when chunks were kept or are left,
// set aside when the server quarantined some.
absl::Status StatusOf(const ingest::UploadReport& report);

}  // namespace tidemark::cli
