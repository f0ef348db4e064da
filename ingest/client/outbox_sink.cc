#include "ingest/client/outbox_sink.h"

#include <fmt/format.h>

#include <utility>

#include "base/endian.h"
#include "base/status_macros.h"
#include "ingest/wire_limits.h"

namespace tidemark::ingest {
namespace {

constexpr uint32_t kBodyVersion = 1;

// By the stream too, so that it tells nobody that two people imported the same file.
WriterId WriterOfImport(const Sha256Digest& recording, const StreamId& stream_id) {
  std::string name = "tidemark-import-writer-v1";
  name += AsView(recording);
  name += stream_id.AsBytes();
  const Sha256Digest digest = Sha256(name);
  return *WriterId::FromBytes(AsView(digest).substr(0, sizeof(Uuid)));
}

void SetStamps(const signal::Stamps& stamps, v1::Samples& out) {
  if (stamps.is_regular()) {
    out.mutable_regular()->set_first_device_ns(stamps.first_ns());
    out.mutable_regular()->set_last_device_ns(stamps.last_ns());
    return;
  }
  std::string& exact = *out.mutable_exact_device_ns();
  exact.reserve(stamps.size() * sizeof(int64_t));
  for (size_t i = 0; i < stamps.size(); ++i) AppendLe(exact, stamps[i]);
}

}  // namespace

absl::StatusOr<int> OutboxSink::DeclareStream(const std::string& name,
                                              const v1::StreamDeclaration& declaration) {
  if (name == kRecordsStream) {
    return absl::InvalidArgumentError("the stream name \"device\" is kept for device records");
  }
  TM_ASSIGN_OR_RETURN(const Outbox::Declared declared, outbox_.DeclareStream(name, declaration));
  const auto [it, is_new] = handles_.emplace(name, static_cast<int>(streams_.size()));
  if (is_new) {
    streams_.push_back(declared);
  } else {
    streams_[static_cast<size_t>(it->second)] = declared;
  }
  return it->second;
}

absl::Status OutboxSink::BeginBoot(const BootId& boot, const v1::BootStart& start) {
  TM_RETURN_IF_ERROR(FlushRecords());
  boot_ = boot;
  v1::Record record;
  *record.mutable_boot_start() = start;
  return AddRecord(std::move(record));
}

absl::Status OutboxSink::AddClockPair(const v1::ClockPair& pair) {
  v1::Record record;
  *record.mutable_clock_pair() = pair;
  return AddRecord(std::move(record));
}

absl::Status OutboxSink::AddProbe(const v1::Probe& probe) {
  v1::Record record;
  *record.mutable_probe() = probe;
  return AddRecord(std::move(record));
}

absl::Status OutboxSink::AddRecord(v1::Record record) {
  if (!boot_) return absl::FailedPreconditionError("a record before the first BeginBoot");
  *records_.add_records() = std::move(record);
  return records_.records_size() < kRecordsPerChunkMax ? absl::OkStatus() : FlushRecords();
}

absl::Status OutboxSink::FlushRecords() {
  if (records_.records_size() == 0) return absl::OkStatus();
  if (!records_stream_) {
    v1::StreamDeclaration declaration;
    declaration.set_modality(v1::MODALITY_RECORDS);
    TM_ASSIGN_OR_RETURN(records_stream_, outbox_.DeclareStream(kRecordsStream, declaration));
  }
  v1::ChunkBody body;
  *body.mutable_records() = std::exchange(records_, {});
  return Write(*records_stream_, /*clock_id=*/0, std::move(body));
}

absl::StatusOr<Outbox::Declared> OutboxSink::Stream(int handle) const {
  if (handle < 0 || static_cast<size_t>(handle) >= streams_.size()) {
    return absl::InvalidArgumentError("a stream that was not declared");
  }
  if (!boot_) return absl::FailedPreconditionError("samples before the first BeginBoot");
  return streams_[static_cast<size_t>(handle)];
}

absl::Status OutboxSink::Append(int stream, const SampleRun& run) {
  TM_ASSIGN_OR_RETURN(const Outbox::Declared declared, Stream(stream));
  if (run.stamps.size() == 0 || run.stamps.size() > kSamplesPerChunkMax) {
    return absl::InvalidArgumentError(
        fmt::format("a run has 1 to {} samples, not {}", kSamplesPerChunkMax, run.stamps.size()));
  }
  v1::ChunkBody body;
  v1::Samples& samples = *body.mutable_samples();
  samples.set_first_counter(run.first_counter);
  samples.set_count(static_cast<uint32_t>(run.stamps.size()));
  samples.set_values(std::string(run.values));
  SetStamps(run.stamps, samples);
  TM_RETURN_IF_ERROR(FlushRecords());
  return Write(declared, run.clock_id, std::move(body));
}

absl::Status OutboxSink::AppendEncoded(int stream, int64_t begin_device_ns, int64_t end_device_ns,
                                       uint32_t clock_id, std::string_view data) {
  TM_ASSIGN_OR_RETURN(const Outbox::Declared declared, Stream(stream));
  v1::ChunkBody body;
  v1::Encoded& encoded = *body.mutable_encoded();
  encoded.set_begin_device_ns(begin_device_ns);
  encoded.set_end_device_ns(end_device_ns);
  encoded.set_data(std::string(data));
  TM_RETURN_IF_ERROR(FlushRecords());
  return Write(declared, clock_id, std::move(body));
}

absl::Status OutboxSink::Finish() { return FlushRecords(); }

absl::Status OutboxSink::Write(const Outbox::Declared& stream, uint32_t clock_id,
                               v1::ChunkBody body) {
  body.set_version(kBodyVersion);
  body.set_stream_id(std::string(stream.stream_id.AsBytes()));
  body.set_stream_version(stream.version);
  body.set_boot_id(std::string(boot_->AsBytes()));
  body.set_clock_id(clock_id);
  // The message has no maps, so the serialized form is one: fields in order of number.
  const auto make_body = [&](const WriterId& writer, uint64_t number) {
    body.set_writer_id(std::string(writer.AsBytes()));
    body.set_number(number);
    return body.SerializeAsString();
  };
  if (recording_) return WriteImported(stream.stream_id, make_body);
  TM_RETURN_IF_ERROR(outbox_.Append(stream.stream_id, make_body).status());
  ++chunks_;
  return absl::OkStatus();
}

absl::Status OutboxSink::WriteImported(const StreamId& stream_id,
                                       const Outbox::MakeBody& make_body) {
  const WriterId writer = WriterOfImport(*recording_, stream_id);
  const uint64_t number = imported_[stream_id]++;
  if (number < outbox_.NextNumber(stream_id, writer)) {
    ++chunks_before_;
    return absl::OkStatus();
  }
  TM_ASSIGN_OR_RETURN(const ChunkRef ref, outbox_.Append(stream_id, writer, make_body));
  if (ref.number != number) return absl::InternalError("an import lost count of its chunks");
  ++chunks_;
  return absl::OkStatus();
}

}  // namespace tidemark::ingest
