// Plays recordings through the whole way, as devices in the field would: enrol, record, upload, and
// read back to compare.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/api.h"
#include "cli/progress.h"
#include "ingest/client/digest_sink.h"
#include "ingest/client/recording.h"
#include "ingest/client/upload_client.h"

namespace tidemark::cli {

struct StreamOutcome {
  std::string name;
  std::string stream_id;
  v1::Modality modality = v1::MODALITY_UNSPECIFIED;
  ingest::StreamDigest::Summary sent;
  ingest::StreamDigest::Summary read;
  bool identical() const { return sent == read; }
};

struct DeviceOutcome {
  std::string participant_id;
  std::string participant_code;
  std::string device_name;
  std::filesystem::path folder;
  ingest::UploadReport upload;
  std::vector<StreamOutcome> streams;
};

struct CampaignOptions {
  std::string study_id;
  std::filesystem::path work;  // one folder per device is made in it
  ingest::ServerAddress server;
  int parallel = 2;
  bool verify = true;
};

// What recordings are made of: whoever is entered consents to it, since before any recording.
inline constexpr v1::DataKind kCampaignKinds[] = {v1::DATA_KIND_MOTION,   v1::DATA_KIND_PHYSIOLOGY,
                                                  v1::DATA_KIND_DEVICE,   v1::DATA_KIND_AUDIO,
                                                  v1::DATA_KIND_LOCATION, v1::DATA_KIND_OTHER};

struct CampaignResult {
  std::vector<DeviceOutcome> devices;
  double upload_seconds = 0;  // of the clock on the wall, all devices together
};

// `manager` acts for the study. Participants that exist are taken as they are; devices are new.
// Stops at the first error that is not about a single chunk.
absl::StatusOr<CampaignResult> RunCampaign(const Api& manager, const CampaignOptions& options,
                                           const std::vector<ingest::Recording>& recordings,
                                           Progress& progress);

}  // namespace tidemark::cli
