#include "cli/campaign.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "base/status_macros.h"
#include "cli/device_folder.h"
#include "cli/output.h"
#include "ingest/client/read_back.h"

namespace tidemark::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr char kCampaignDocument[] = "campaign";

// Calls `work(i)` for i < count on `threads` threads; the first error stops the others early.
absl::Status ForEachInParallel(size_t count, int threads,
                               const std::function<absl::Status(size_t)>& work) {
  std::atomic<size_t> next = 0;
  Mutex mutex;
  absl::Status first_error;
  std::atomic<bool> failed = false;
  const auto run = [&] {
    for (size_t i = next++; i < count && !failed; i = next++) {
      absl::Status status = work(i);
      if (status.ok()) continue;
      MutexLock lock(mutex);
      if (!failed.exchange(true)) first_error = std::move(status);
    }
  };
  std::vector<std::thread> pool;
  for (int t = 1; t < threads; ++t) pool.emplace_back(run);
  run();
  for (std::thread& thread : pool) thread.join();
  return first_error;
}

// One campaign. Each method is one phase; phases follow one another.
class Campaign {
 public:
  Campaign(const Api& manager, const CampaignOptions& options,
           const std::vector<ingest::Recording>& recordings, Progress& progress)
      : manager_(manager), options_(options), recordings_(recordings), progress_(progress) {}

  absl::Status Enrol();
  absl::Status Record();
  absl::Status Upload();
  absl::Status Verify();
  CampaignResult Take() { return std::move(result_); }

 private:
  absl::Status FindParticipants();
  absl::StatusOr<std::string> EnterParticipant(const std::string& code);
  absl::Status EnrolOne(const ingest::Recording& recording);
  absl::Status RecordOne(size_t i);
  absl::Status UploadOne(size_t i);
  absl::Status VerifyOne(size_t i);
  void ShowUpload();

  const Api& manager_;
  const CampaignOptions& options_;
  const std::vector<ingest::Recording>& recordings_;
  Progress& progress_;
  std::map<std::string, std::string> participants_;  // code -> id
  CampaignResult result_;
  std::atomic<uint64_t> chunks_recorded_ = 0;
  std::atomic<uint64_t> chunks_done_ = 0;
  std::atomic<uint64_t> bytes_done_ = 0;
  std::atomic<size_t> devices_done_ = 0;
  SteadyClock::time_point upload_begin_;
};

absl::Status Campaign::FindParticipants() {
  v1::ListParticipantsRequest request;
  request.set_study_id(options_.study_id);
  TM_ASSIGN_OR_RETURN(
      const auto list,
      manager_.List(*manager_.studies, &v1::StudyService::Stub::ListParticipants, request));
  for (const v1::Participant& known : list.participants()) {
    participants_[known.code()] = known.participant_id();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Campaign::EnterParticipant(const std::string& code) {
  if (const auto it = participants_.find(code); it != participants_.end()) return it->second;
  v1::CreateParticipantRequest request;
  request.set_request_id(NewRequestId());
  request.set_study_id(options_.study_id);
  request.set_code(code);
  for (const v1::DataKind kind : kCampaignKinds) request.add_consented(kind);
  request.set_document(kCampaignDocument);
  request.set_consented_from_ns(0);
  TM_ASSIGN_OR_RETURN(
      const auto response,
      manager_.Call(*manager_.studies, &v1::StudyService::Stub::CreateParticipant, request));
  return participants_[code] = response.participant().participant_id();
}

absl::Status Campaign::EnrolOne(const ingest::Recording& recording) {
  DeviceOutcome device;
  device.participant_code = recording.participant_code;
  device.device_name = recording.device_name;
  device.folder =
      options_.work / fmt::format("{}-{}", recording.participant_code, recording.device_name);
  TM_ASSIGN_OR_RETURN(device.participant_id, EnterParticipant(recording.participant_code));
  v1::CreateDeviceRequest request;
  request.set_request_id(NewRequestId());
  request.set_participant_id(device.participant_id);
  request.set_name(recording.device_name);
  TM_ASSIGN_OR_RETURN(
      const auto response,
      manager_.Call(*manager_.devices, &v1::DeviceService::Stub::CreateDevice, request));
  TM_RETURN_IF_ERROR(ingest::Identity::Enrol(manager_.channel(), options_.server, device.folder,
                                             response.enrolment_code().code())
                         .status());
  result_.devices.push_back(std::move(device));
  return absl::OkStatus();
}

absl::Status Campaign::Enrol() {
  TM_RETURN_IF_ERROR(FindParticipants());
  for (const ingest::Recording& recording : recordings_) {
    progress_.Update(
        fmt::format("enrolling {} of {} devices", result_.devices.size() + 1, recordings_.size()));
    TM_RETURN_IF_ERROR(EnrolOne(recording));
  }
  return absl::OkStatus();
}

absl::Status Campaign::RecordOne(size_t i) {
  DeviceOutcome& device = result_.devices[i];
  TM_ASSIGN_OR_RETURN(DeviceFolder folder, DeviceFolder::Open(device.folder));
  TM_ASSIGN_OR_RETURN(const auto streams, folder.Record(recordings_[i]));
  for (const auto& [name, stream] : streams) {
    device.streams.push_back({.name = name,
                              .stream_id = {},
                              .modality = stream.modality,
                              .sent = stream.summary,
                              .read = {}});
  }
  chunks_recorded_ += folder.outbox->pending_chunks();
  progress_.Update(fmt::format("recording: {} of {} devices, {} chunks", ++devices_done_,
                               recordings_.size(), FormatCount(chunks_recorded_)));
  return absl::OkStatus();
}

absl::Status Campaign::Record() {
  return ForEachInParallel(recordings_.size(), options_.parallel,
                           [this](size_t i) { return RecordOne(i); });
}

void Campaign::ShowUpload() {
  const std::chrono::duration<double> seconds = SteadyClock::now() - upload_begin_;
  const auto bytes = static_cast<double>(bytes_done_.load());
  progress_.Update(fmt::format("uploading: {} of {} chunks, {} acknowledged, {}/s",
                               FormatCount(chunks_done_), FormatCount(chunks_recorded_),
                               FormatBytes(bytes), FormatBytes(bytes / seconds.count())));
}

absl::Status Campaign::UploadOne(size_t i) {
  DeviceOutcome& device = result_.devices[i];
  TM_ASSIGN_OR_RETURN(DeviceFolder folder, DeviceFolder::Open(device.folder));
  ingest::UploadOptions upload;
  uint64_t chunks_before = 0;
  uint64_t bytes_before = 0;
  upload.on_progress = [&](const ingest::UploadReport& report) {
    chunks_done_ += report.chunks_deleted - std::exchange(chunks_before, report.chunks_deleted);
    bytes_done_ +=
        report.body_bytes_deleted - std::exchange(bytes_before, report.body_bytes_deleted);
    ShowUpload();
  };
  device.upload = folder.Upload(std::move(upload));
  if (device.upload.status.ok()) return absl::OkStatus();
  return absl::Status(device.upload.status.code(),
                      fmt::format("{} of {}: {}", device.device_name, device.participant_code,
                                  std::string(device.upload.status.message())));
}

absl::Status Campaign::Upload() {
  upload_begin_ = SteadyClock::now();
  absl::Status status = ForEachInParallel(recordings_.size(), options_.parallel,
                                          [this](size_t i) { return UploadOne(i); });
  result_.upload_seconds =
      std::chrono::duration<double>(SteadyClock::now() - upload_begin_).count();
  return status;
}

absl::Status Campaign::VerifyOne(size_t i) {
  DeviceOutcome& device = result_.devices[i];
  TM_ASSIGN_OR_RETURN(const ingest::Identity identity, ingest::Identity::Load(device.folder));
  v1::ListStreamsRequest request;
  request.set_participant_id(device.participant_id);
  request.set_device_id(identity.device_id().ToString());
  TM_ASSIGN_OR_RETURN(
      const auto list,
      manager_.List(*manager_.devices, &v1::DeviceService::Stub::ListStreams, request));
  for (StreamOutcome& stream : device.streams) {
    for (const v1::Stream& known : list.streams()) {
      if (known.name() == stream.name) stream.stream_id = known.stream_id();
    }
    if (stream.stream_id.empty()) continue;  // nothing was recorded on it, or nothing arrived
    TM_ASSIGN_OR_RETURN(const StreamId stream_id, StreamId::Parse(stream.stream_id));
    TM_ASSIGN_OR_RETURN(stream.read, ingest::ReadBack(*manager_.signals, manager_.token(),
                                                      identity.participant_id(), stream_id));
  }
  progress_.Update(
      fmt::format("reading back: {} of {} devices", ++devices_done_, recordings_.size()));
  return absl::OkStatus();
}

absl::Status Campaign::Verify() {
  devices_done_ = 0;
  return ForEachInParallel(recordings_.size(), options_.parallel,
                           [this](size_t i) { return VerifyOne(i); });
}

}  // namespace

absl::StatusOr<CampaignResult> RunCampaign(const Api& manager, const CampaignOptions& options,
                                           const std::vector<ingest::Recording>& recordings,
                                           Progress& progress) {
  Campaign campaign(manager, options, recordings, progress);
  TM_RETURN_IF_ERROR(campaign.Enrol());
  TM_RETURN_IF_ERROR(campaign.Record());
  TM_RETURN_IF_ERROR(campaign.Upload());
  if (options.verify) TM_RETURN_IF_ERROR(campaign.Verify());
  progress.Clear();
  return campaign.Take();
}

}  // namespace tidemark::cli
