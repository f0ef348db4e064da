#include "cli/api.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "cli/exit_code.h"

namespace tidemark::cli {
namespace {

bool IsId(const std::string& text) { return Uuid::Parse(text).ok(); }

// "a/b" as its two parts.
std::optional<std::pair<std::string, std::string>> SplitPath(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  return std::pair(text.substr(0, slash), text.substr(slash + 1));
}

}  // namespace

absl::StatusOr<std::string> Api::StudyId(const std::string& id_or_name) const {
  if (IsId(id_or_name)) return id_or_name;
  TM_ASSIGN_OR_RETURN(const auto list, List(*studies, &v1::StudyService::Stub::ListStudies,
                                            v1::ListStudiesRequest()));
  for (const v1::Study& study : list.studies()) {
    if (study.name() == id_or_name) return study.study_id();
  }
  return absl::NotFoundError(
      fmt::format("study: no study is called \"{}\"; see: tidemark study list", id_or_name));
}

absl::StatusOr<std::string> Api::ParticipantId(const std::string& id_or_path) const {
  if (IsId(id_or_path)) return id_or_path;
  const auto path = SplitPath(id_or_path);
  if (!path) return UsageError("participant: is an id or STUDY/CODE");
  v1::ListParticipantsRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_study_id(), StudyId(path->first));
  TM_ASSIGN_OR_RETURN(const auto list,
                      List(*studies, &v1::StudyService::Stub::ListParticipants, request));
  for (const v1::Participant& participant : list.participants()) {
    if (participant.code() == path->second) return participant.participant_id();
  }
  return absl::NotFoundError(
      fmt::format("participant: study {} has no participant \"{}\"; see: tidemark participant list",
                  path->first, path->second));
}

absl::StatusOr<std::string> Api::DeviceId(const std::string& participant_id,
                                          const std::string& id_or_name) const {
  if (IsId(id_or_name)) return id_or_name;
  v1::ListDevicesRequest request;
  request.set_participant_id(participant_id);
  TM_ASSIGN_OR_RETURN(const auto list,
                      List(*devices, &v1::DeviceService::Stub::ListDevices, request));
  for (const v1::Device& device : list.devices()) {
    if (device.name() == id_or_name) return device.device_id();
  }
  return absl::NotFoundError(fmt::format(
      "device: the participant has no device \"{}\"; see: tidemark device list", id_or_name));
}

absl::StatusOr<v1::Stream> Api::Stream(const std::string& participant_id,
                                       const std::string& id_or_name) const {
  v1::ListStreamsRequest request;
  request.set_participant_id(participant_id);
  std::string name = id_or_name;
  if (const auto path = SplitPath(id_or_name)) {
    TM_ASSIGN_OR_RETURN(*request.mutable_device_id(), DeviceId(participant_id, path->first));
    name = path->second;
  }
  TM_ASSIGN_OR_RETURN(const auto list,
                      List(*devices, &v1::DeviceService::Stub::ListStreams, request));
  std::optional<v1::Stream> found;
  for (const v1::Stream& stream : list.streams()) {
    if (stream.stream_id() != name && stream.name() != name) continue;
    if (found) {
      return UsageError(fmt::format(
          "stream: several devices have a stream \"{}\"; say DEVICE/NAME or an id", name));
    }
    found = stream;
  }
  if (found) return *found;
  return absl::NotFoundError(fmt::format(
      "stream: the participant has no stream \"{}\"; see: tidemark stream list", id_or_name));
}

absl::StatusOr<v1::GetServerInfoResponse> ParseServerInfo(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  v1::GetServerInfoResponse info;
  if (!json.is_object() || !json.contains("server") ||
      !google::protobuf::util::JsonStringToMessage(json["server"].dump(), &info).ok()) {
    return UsageError("keys: the file is not what `tidemark doctor --json` prints");
  }
  return info;
}

std::string NewRequestId() { return Uuid::MakeRandom().ToString(); }

}  // namespace tidemark::cli
