// What a stream holds, as one digest: computed while recording, and again from what is read back.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "core/signal/samples.h"
#include "ingest/client/recording.h"

namespace tidemark::ingest {

// SHA-256 over every run in order. A run of samples: first counter (u64 LE), count n (u32 LE), n
// stamps (i64 LE), values. An encoded segment: its begin and end (i64 LE), its size (u64 LE), its
// bytes. Counts go along for people.
class StreamDigest {
 public:
  struct Summary {
    std::string sha256;  // 32 bytes
    uint64_t runs = 0;
    uint64_t samples = 0;
    uint64_t value_bytes = 0;
    uint64_t stamp_bytes = 0;  // as they were given: 16 a run if regular, else 8 a sample
    // Sum over runs of |last - first| where it is plausible (at most an hour).
    double seconds = 0;
    // Of what was recorded; how stamps were written down is not part of it.
    friend bool operator==(const Summary& a, const Summary& b) {
      return a.sha256 == b.sha256 && a.runs == b.runs && a.samples == b.samples &&
             a.value_bytes == b.value_bytes;
    }
  };

  void AddSamples(uint64_t first_counter, const signal::Stamps& stamps, std::string_view values);
  void AddEncoded(int64_t begin_device_ns, int64_t end_device_ns, std::string_view data);
  // Of everything so far; the digest begins anew.
  Summary Finish();

 private:
  void AddSpan(int64_t begin_ns, int64_t end_ns);

  Sha256Stream hash_;
  Summary summary_;
};

// Digests of the sampled and encoded streams of a recording by name. Records are not part of it.
class DigestSink : public RecordingSink {
 public:
  absl::StatusOr<int> DeclareStream(const std::string& name,
                                    const v1::StreamDeclaration& declaration) override;
  absl::Status BeginBoot(const BootId&, const v1::BootStart&) override { return absl::OkStatus(); }
  absl::Status AddClockPair(const v1::ClockPair&) override { return absl::OkStatus(); }
  absl::Status AddProbe(const v1::Probe&) override { return absl::OkStatus(); }
  absl::Status Append(int stream, const SampleRun& run) override;
  absl::Status AppendEncoded(int stream, int64_t begin_device_ns, int64_t end_device_ns,
                             uint32_t clock_id, std::string_view data) override;

  struct Stream {
    v1::Modality modality = v1::MODALITY_UNSPECIFIED;
    StreamDigest::Summary summary;
  };
  std::map<std::string, Stream> Finish();

 private:
  struct Open {
    std::string name;
    v1::Modality modality = v1::MODALITY_UNSPECIFIED;
    StreamDigest digest;
  };
  absl::StatusOr<Open*> Find(int stream);

  std::vector<Open> streams_;
};

// What a recording is, as one digest: SHA-256 over every call that it makes, with boots, records
// and declarations. A source plays the same way each time, so the same source is the same digest.
class RecordingDigest : public RecordingSink {
 public:
  RecordingDigest();
  absl::StatusOr<int> DeclareStream(const std::string& name,
                                    const v1::StreamDeclaration& declaration) override;
  absl::Status BeginBoot(const BootId& boot, const v1::BootStart& start) override;
  absl::Status AddClockPair(const v1::ClockPair& pair) override;
  absl::Status AddProbe(const v1::Probe& probe) override;
  absl::Status Append(int stream, const SampleRun& run) override;
  absl::Status AppendEncoded(int stream, int64_t begin_device_ns, int64_t end_device_ns,
                             uint32_t clock_id, std::string_view data) override;

  Sha256Digest Finish() { return hash_.Finish(); }

 private:
  void AddPart(char kind, std::string_view bytes);

  Sha256Stream hash_;
  std::vector<std::string> names_;
};

// Hands every call to both sinks, the first one first, and stops at the first error.
class TeeSink : public RecordingSink {
 public:
  TeeSink(RecordingSink& first, RecordingSink& second) : first_(first), second_(second) {}

  absl::StatusOr<int> DeclareStream(const std::string& name,
                                    const v1::StreamDeclaration& declaration) override;
  absl::Status BeginBoot(const BootId& boot, const v1::BootStart& start) override;
  absl::Status AddClockPair(const v1::ClockPair& pair) override;
  absl::Status AddProbe(const v1::Probe& probe) override;
  absl::Status Append(int stream, const SampleRun& run) override;
  absl::Status AppendEncoded(int stream, int64_t begin_device_ns, int64_t end_device_ns,
                             uint32_t clock_id, std::string_view data) override;

 private:
  RecordingSink& first_;
  RecordingSink& second_;
  std::vector<std::pair<int, int>> handles_;
};

}  // namespace tidemark::ingest
