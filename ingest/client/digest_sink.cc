#include "ingest/client/digest_sink.h"

#include <algorithm>
#include <utility>

#include "base/endian.h"
#include "base/status_macros.h"

namespace tidemark::ingest {
namespace {

constexpr double kPlausibleSpanNs = 3.6e12;

}  // namespace

void StreamDigest::AddSamples(uint64_t first_counter, const signal::Stamps& stamps,
                              std::string_view values) {
  std::string head;
  head.reserve(12 + stamps.size() * sizeof(int64_t));
  AppendLe(head, first_counter);
  AppendLe(head, static_cast<uint32_t>(stamps.size()));
  for (size_t i = 0; i < stamps.size(); ++i) AppendLe(head, stamps[i]);
  hash_.Update(head);
  hash_.Update(values);
  ++summary_.runs;
  summary_.samples += stamps.size();
  summary_.value_bytes += values.size();
  summary_.stamp_bytes += (stamps.is_regular() ? 2 : stamps.size()) * sizeof(int64_t);
  if (stamps.size() > 0) AddSpan(stamps[0], stamps[stamps.size() - 1]);
}

void StreamDigest::AddEncoded(int64_t begin_device_ns, int64_t end_device_ns,
                              std::string_view data) {
  std::string head;
  AppendLe(head, begin_device_ns);
  AppendLe(head, end_device_ns);
  AppendLe(head, static_cast<uint64_t>(data.size()));
  hash_.Update(head);
  hash_.Update(data);
  ++summary_.runs;
  summary_.value_bytes += data.size();
  AddSpan(begin_device_ns, end_device_ns);
}

void StreamDigest::AddSpan(int64_t begin_ns, int64_t end_ns) {
  // In doubles: the difference of two odd stamps may not fit an int64.
  const double span_ns = static_cast<double>(end_ns) - static_cast<double>(begin_ns);
  if (span_ns > 0 && span_ns <= kPlausibleSpanNs) summary_.seconds += span_ns / 1e9;
}

StreamDigest::Summary StreamDigest::Finish() {
  summary_.sha256 = std::string(AsView(hash_.Finish()));
  return std::exchange(summary_, {});
}

absl::StatusOr<int> DigestSink::DeclareStream(const std::string& name,
                                              const v1::StreamDeclaration& declaration) {
  const auto it = std::find_if(streams_.begin(), streams_.end(),
                               [&](const Open& stream) { return stream.name == name; });
  if (it != streams_.end()) return static_cast<int>(it - streams_.begin());
  Open& stream = streams_.emplace_back();
  stream.name = name;
  stream.modality = declaration.modality();
  return static_cast<int>(streams_.size()) - 1;
}

absl::StatusOr<DigestSink::Open*> DigestSink::Find(int stream) {
  if (stream < 0 || static_cast<size_t>(stream) >= streams_.size()) {
    return absl::InvalidArgumentError("a stream that was not declared");
  }
  return &streams_[static_cast<size_t>(stream)];
}

absl::Status DigestSink::Append(int stream, const SampleRun& run) {
  TM_ASSIGN_OR_RETURN(Open * open, Find(stream));
  open->digest.AddSamples(run.first_counter, run.stamps, run.values);
  return absl::OkStatus();
}

absl::Status DigestSink::AppendEncoded(int stream, int64_t begin_device_ns, int64_t end_device_ns,
                                       uint32_t, std::string_view data) {
  TM_ASSIGN_OR_RETURN(Open * open, Find(stream));
  open->digest.AddEncoded(begin_device_ns, end_device_ns, data);
  return absl::OkStatus();
}

std::map<std::string, DigestSink::Stream> DigestSink::Finish() {
  std::map<std::string, Stream> all;
  for (Open& open : streams_) all[open.name] = {open.modality, open.digest.Finish()};
  return all;
}

// Every part has a kind and a size before it, so that no two recordings run together to the same
// bytes.
RecordingDigest::RecordingDigest() { AddPart('V', "tidemark-recording-v1"); }

void RecordingDigest::AddPart(char kind, std::string_view bytes) {
  std::string head(1, kind);
  AppendLe(head, static_cast<uint64_t>(bytes.size()));
  hash_.Update(head);
  hash_.Update(bytes);
}

absl::StatusOr<int> RecordingDigest::DeclareStream(const std::string& name,
                                                   const v1::StreamDeclaration& declaration) {
  AddPart('N', name);
  AddPart('D', declaration.SerializeAsString());
  const auto it = std::find(names_.begin(), names_.end(), name);
  if (it != names_.end()) return static_cast<int>(it - names_.begin());
  names_.push_back(name);
  return static_cast<int>(names_.size()) - 1;
}

absl::Status RecordingDigest::BeginBoot(const BootId& boot, const v1::BootStart& start) {
  AddPart('B', boot.AsBytes());
  AddPart('S', start.SerializeAsString());
  return absl::OkStatus();
}

absl::Status RecordingDigest::AddClockPair(const v1::ClockPair& pair) {
  AddPart('C', pair.SerializeAsString());
  return absl::OkStatus();
}

absl::Status RecordingDigest::AddProbe(const v1::Probe& probe) {
  AddPart('P', probe.SerializeAsString());
  return absl::OkStatus();
}

absl::Status RecordingDigest::Append(int stream, const SampleRun& run) {
  std::string head;
  AppendLe(head, static_cast<int32_t>(stream));
  AppendLe(head, run.clock_id);
  AppendLe(head, run.first_counter);
  AppendLe(head, static_cast<uint8_t>(run.stamps.is_regular()));
  for (size_t i = 0; i < run.stamps.size(); ++i) AppendLe(head, run.stamps[i]);
  AddPart('R', head);
  AddPart('v', run.values);
  return absl::OkStatus();
}

absl::Status RecordingDigest::AppendEncoded(int stream, int64_t begin_device_ns,
                                            int64_t end_device_ns, uint32_t clock_id,
                                            std::string_view data) {
  std::string head;
  AppendLe(head, static_cast<int32_t>(stream));
  AppendLe(head, clock_id);
  AppendLe(head, begin_device_ns);
  AppendLe(head, end_device_ns);
  AddPart('E', head);
  AddPart('e', data);
  return absl::OkStatus();
}

absl::StatusOr<int> TeeSink::DeclareStream(const std::string& name,
                                           const v1::StreamDeclaration& declaration) {
  TM_ASSIGN_OR_RETURN(const int first, first_.DeclareStream(name, declaration));
  TM_ASSIGN_OR_RETURN(const int second, second_.DeclareStream(name, declaration));
  const std::pair handles(first, second);
  const auto it = std::find(handles_.begin(), handles_.end(), handles);
  if (it != handles_.end()) return static_cast<int>(it - handles_.begin());
  handles_.push_back(handles);
  return static_cast<int>(handles_.size()) - 1;
}

absl::Status TeeSink::BeginBoot(const BootId& boot, const v1::BootStart& start) {
  TM_RETURN_IF_ERROR(first_.BeginBoot(boot, start));
  return second_.BeginBoot(boot, start);
}

absl::Status TeeSink::AddClockPair(const v1::ClockPair& pair) {
  TM_RETURN_IF_ERROR(first_.AddClockPair(pair));
  return second_.AddClockPair(pair);
}

absl::Status TeeSink::AddProbe(const v1::Probe& probe) {
  TM_RETURN_IF_ERROR(first_.AddProbe(probe));
  return second_.AddProbe(probe);
}

absl::Status TeeSink::Append(int stream, const SampleRun& run) {
  const auto& [first, second] = handles_.at(static_cast<size_t>(stream));
  TM_RETURN_IF_ERROR(first_.Append(first, run));
  return second_.Append(second, run);
}

absl::Status TeeSink::AppendEncoded(int stream, int64_t begin_device_ns, int64_t end_device_ns,
                                    uint32_t clock_id, std::string_view data) {
  const auto& [first, second] = handles_.at(static_cast<size_t>(stream));
  TM_RETURN_IF_ERROR(first_.AppendEncoded(first, begin_device_ns, end_device_ns, clock_id, data));
  return second_.AppendEncoded(second, begin_device_ns, end_device_ns, clock_id, data);
}

}  // namespace tidemark::ingest
