#include "cli/campaign_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/device_folder.h"
#include "cli/enum_words.h"
#include "cli/exit_code.h"
#include "cli/modality.h"
#include "cli/output.h"

namespace tidemark::cli {
namespace {

double PerSample(uint64_t bytes, uint64_t samples) {
  return samples == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(samples);
}

double MegabytesPerSecond(const CampaignSummary& summary) {
  return summary.upload_seconds <= 0
             ? 0
             : static_cast<double>(summary.body_bytes) / 1e6 / summary.upload_seconds;
}

std::string VerdictText(const CampaignSummary& summary) {
  if (!summary.verified) return "not checked";
  if (summary.different.empty()) {
    return fmt::format("identical: every sample and stamp of {} streams came back bit for bit",
                       summary.streams);
  }
  return fmt::format("DIFFERENT: {} of {} streams", summary.different.size(), summary.streams);
}

void AddDevice(const DeviceOutcome& device, CampaignSummary& summary) {
  double longest_s = 0;
  for (const StreamOutcome& stream : device.streams) {
    ModalitySummary& modality = summary.modalities[stream.modality];
    ++modality.streams;
    modality.samples += stream.sent.samples;
    modality.value_bytes += stream.sent.value_bytes;
    modality.stamp_bytes += stream.sent.stamp_bytes;
    ++summary.streams;
    summary.samples += stream.sent.samples;
    longest_s = std::max(longest_s, stream.sent.seconds);
    if (summary.verified && !stream.identical()) {
      summary.different.push_back(
          fmt::format("{} {} {}", device.participant_code, device.device_name, stream.name));
    }
  }
  summary.hours += longest_s / 3600;
  summary.body_bytes += device.upload.body_bytes_deleted;
  summary.sent_bytes += device.upload.envelope_bytes_sent;
  summary.chunks_kept += device.upload.chunks_kept;
  summary.chunks_left += device.upload.chunks_left;
  for (const auto& [outcome, count] : device.upload.receipts) summary.receipts[outcome] += count;
}

Json SummaryJson(const CampaignSummary& summary) {
  Json receipts = Json::Object();
  for (const auto& [outcome, count] : summary.receipts) receipts.Set(WordOf(outcome), count);
  Json modalities = Json::Array();
  for (const auto& [modality, one] : summary.modalities) {
    modalities.Append(Json::Object({{"modality", ModalityName(modality)},
                                    {"streams", one.streams},
                                    {"samples", one.samples},
                                    {"value_bytes", one.value_bytes},
                                    {"stamp_bytes", one.stamp_bytes},
                                    {"stored_bytes", one.stored_bytes}}));
  }
  return Json::Object(
      {{"participants", summary.participants},
       {"devices", summary.devices},
       {"streams", summary.streams},
       {"samples", summary.samples},
       {"hours", summary.hours},
       {"body_bytes", summary.body_bytes},
       {"sent_bytes", summary.sent_bytes},
       {"stored_bytes", summary.stored_bytes},
       {"stored_bytes_per_sample", PerSample(summary.stored_bytes, summary.samples)},
       {"receipts", std::move(receipts)},
       {"chunks_kept", summary.chunks_kept},
       {"chunks_left", summary.chunks_left},
       {"acknowledged_mb_per_s", MegabytesPerSecond(summary)},
       {"verification",
        summary.verified ? summary.different.empty() ? "identical" : "different" : "not checked"},
       {"different", summary.different},
       {"modalities", std::move(modalities)}});
}

void PrintText(const CampaignSummary& summary) {
  const auto line = [](std::string_view name, const std::string& value) {
    PrintData(fmt::format("{:<26}{}\n", name, value));
  };
  line("participants", FormatCount(summary.participants));
  line("devices", FormatCount(summary.devices));
  line("streams", FormatCount(summary.streams));
  line("samples", FormatCount(summary.samples));
  line("hours", fmt::format("{:.2f}", summary.hours));
  line("bytes in",
       fmt::format("{} ({} on the wire)", FormatBytes(static_cast<double>(summary.body_bytes)),
                   FormatBytes(static_cast<double>(summary.sent_bytes))));
  line("bytes per sample at rest",
       fmt::format("{:.2f}", PerSample(summary.stored_bytes, summary.samples)));
  line("receipts", summary.receipts.empty() ? "none" : Describe(summary.receipts));
  if (summary.chunks_kept + summary.chunks_left > 0) {
    line("chunks not taken",
         fmt::format("{} kept aside, {} left", summary.chunks_kept, summary.chunks_left));
  }
  line("acknowledged", fmt::format("{:.1f} MB/s", MegabytesPerSecond(summary)));
  line("verification", VerdictText(summary));
  Table table({"MODALITY", "STREAMS", "SAMPLES", "RAW B/SAMPLE", "STAMP B/SAMPLE",
               "STORED B/SAMPLE", "STORED/RAW"});
  for (const auto& [modality, one] : summary.modalities) {
    const double raw = PerSample(one.value_bytes + one.stamp_bytes, one.samples);
    const double stored = PerSample(one.stored_bytes, one.samples);
    table.AddRow({ModalityName(modality), FormatCount(one.streams), FormatCount(one.samples),
                  fmt::format("{:.2f}", PerSample(one.value_bytes, one.samples)),
                  fmt::format("{:.2f}", PerSample(one.stamp_bytes, one.samples)),
                  fmt::format("{:.2f}", stored),
                  raw == 0 ? "-" : fmt::format("{:.3f}", stored / raw)});
  }
  PrintData("\n" + table.Format());
  for (const std::string& stream : summary.different) PrintData("DIFFERENT: " + stream + "\n");
}

}  // namespace

absl::StatusOr<CampaignSummary> Summarize(const Api& manager, const CampaignResult& result,
                                          bool verified) {
  CampaignSummary summary;
  summary.verified = verified;
  summary.upload_seconds = result.upload_seconds;
  summary.devices = result.devices.size();
  std::set<std::string> participants;
  std::map<std::string, v1::Modality> ours;
  for (const DeviceOutcome& device : result.devices) {
    participants.insert(device.participant_id);
    AddDevice(device, summary);
    for (const StreamOutcome& stream : device.streams) ours[stream.stream_id] = stream.modality;
  }
  summary.participants = participants.size();
  for (const std::string& participant : participants) {
    v1::GetCoverageRequest request;
    request.set_participant_id(participant);
    TM_ASSIGN_OR_RETURN(
        const auto coverage,
        manager.Call(*manager.signals, &v1::SignalService::Stub::GetCoverage, request));
    for (const v1::StreamCoverage& stream : coverage.streams()) {
      const auto it = ours.find(stream.stream().stream_id());
      if (it == ours.end()) continue;
      summary.stored_bytes += stream.stored_bytes();
      summary.modalities[it->second].stored_bytes += stream.stored_bytes();
    }
  }
  return summary;
}

void PrintSummary(const CampaignSummary& summary, bool json) {
  if (json) {
    PrintJson(SummaryJson(summary));
  } else {
    PrintText(summary);
  }
}

absl::Status StatusOf(const CampaignSummary& summary) {
  if (!summary.different.empty()) {
    return absl::DataLossError(
        fmt::format("{} streams came back different", summary.different.size()));
  }
  if (summary.chunks_left + summary.chunks_kept > 0) {
    return PartialError(fmt::format("{} chunks were kept aside and {} are left",
                                    summary.chunks_kept, summary.chunks_left));
  }
  return absl::OkStatus();
}

}  // namespace tidemark::cli
