// What a campaign did, as people and scripts read it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/api.h"
#include "cli/campaign.h"

namespace tidemark::cli {

struct ModalitySummary {
  uint64_t streams = 0;
  uint64_t samples = 0;
  uint64_t value_bytes = 0;   // as recorded
  uint64_t stamp_bytes = 0;   // as recorded: little for regular ones, 8 per sample for others
  uint64_t stored_bytes = 0;  // payload and tiles at rest
};

struct CampaignSummary {
  uint64_t participants = 0;
  uint64_t devices = 0;
  uint64_t streams = 0;
  uint64_t samples = 0;
  double hours = 0;         // of the longest stream of each device, together
  uint64_t body_bytes = 0;  // acknowledged, uncompressed
  uint64_t sent_bytes = 0;  // as they travelled
  uint64_t stored_bytes = 0;
  std::map<v1::Outcome, uint64_t> receipts;
  uint64_t chunks_kept = 0;
  uint64_t chunks_left = 0;
  double upload_seconds = 0;
  std::map<v1::Modality, ModalitySummary> modalities;
  bool verified = false;
  std::vector<std::string> different;  // "participant device stream", if verified
};

// Asks the server what the streams take at rest.
absl::StatusOr<CampaignSummary> Summarize(const Api& manager, const CampaignResult& result,
                                          bool verified);
void PrintSummary(const CampaignSummary& summary, bool json);
// OK when everything arrived and, if verified, came back identical; DATA_LOSS when something came
// back different; partial when chunks are left or kept.
absl::Status StatusOf(const CampaignSummary& summary);

}  // namespace tidemark::cli
