// Writes recordings into an outbox: one chunk per run.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "ingest/client/outbox.h"
#include "ingest/client/recording.h"

namespace tidemark::ingest {

// Every chunk is on disk when its call returns. Boots, clock pairs and probes go into a stream of
// modality RECORDS called "device", ahead of the samples that follow them. A crash leaves the calls
// that returned; Finish() writes what records are still held. Not thread-safe.
//
// A live recording is numbered by the current writer of each stream. An import is a writer of its
// own, named by what the recording is (docs/adr/0018): its n-th chunk of a stream has the number n,
// whenever it is written. So an import that was cut off is played again from the front, and only
// what the outbox never had is written; that holds for chunks that were uploaded since, too.
class OutboxSink : public RecordingSink {
 public:
  static constexpr char kRecordsStream[] = "device";

  explicit OutboxSink(Outbox& outbox) : outbox_(outbox) {}
  // For an import; `recording` as RecordingDigest gives it.
  OutboxSink(Outbox& outbox, const Sha256Digest& recording)
      : outbox_(outbox), recording_(recording) {}

  absl::StatusOr<int> DeclareStream(const std::string& name,
                                    const v1::StreamDeclaration& declaration) override;
  absl::Status BeginBoot(const BootId& boot, const v1::BootStart& start) override;
  absl::Status AddClockPair(const v1::ClockPair& pair) override;
  absl::Status AddProbe(const v1::Probe& probe) override;
  // FAILED_PRECONDITION before BeginBoot; INVALID_ARGUMENT when the run does not fit one chunk.
  absl::Status Append(int stream, const SampleRun& run) override;
  absl::Status AppendEncoded(int stream, int64_t begin_device_ns, int64_t end_device_ns,
                             uint32_t clock_id, std::string_view data) override;
  absl::Status Finish();

  // Written by this sink, and, of an import, found to have been written before.
  uint64_t chunks() const { return chunks_; }
  uint64_t chunks_before() const { return chunks_before_; }

 private:
  absl::Status AddRecord(v1::Record record);
  absl::Status FlushRecords();
  absl::StatusOr<Outbox::Declared> Stream(int handle) const;
  absl::Status Write(const Outbox::Declared& stream, uint32_t clock_id, v1::ChunkBody body);
  absl::Status WriteImported(const StreamId& stream_id, const Outbox::MakeBody& make_body);

  Outbox& outbox_;
  const std::optional<Sha256Digest> recording_;  // of an import
  std::map<StreamId, uint64_t> imported_;        // chunks played so far
  std::vector<Outbox::Declared> streams_;        // by handle
  std::map<std::string, int> handles_;
  std::optional<Outbox::Declared> records_stream_;
  std::optional<BootId> boot_;
  v1::Records records_;  // of boot_, not yet written
  uint64_t chunks_ = 0;
  uint64_t chunks_before_ = 0;
};

}  // namespace tidemark::ingest
