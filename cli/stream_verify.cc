// stream verify: is what is stored still what was sent?
#include "cli/stream_verify.h"

#include <fmt/format.h>

#include "cli/output.h"
#include "cli/unreadable_text.h"

namespace tidemark::cli {
namespace {

// Faults that are kept for --json; all are counted.
constexpr int kFaultsMax = 10'000;

struct VerifyOptions {
  std::string participant;
  std::vector<std::string> streams;
};

// What all pages said.
struct Summary {
  uint64_t intact_chunks = 0;
  uint64_t intact_bytes = 0;
  uint64_t erased_chunks = 0;
  uint64_t damaged_chunks = 0;
  v1::VerifyStoredResponse faults;

  void Add(const v1::VerifyStoredResponse& page) {
    intact_chunks += page.intact_chunks();
    intact_bytes += page.intact_bytes();
    for (const v1::StoredFault& fault : page.faults()) {
      ++(fault.reason() == v1::UNREADABLE_REASON_ERASED ? erased_chunks : damaged_chunks);
      if (faults.faults_size() < kFaultsMax) *faults.add_faults() = fault;
    }
  }
  uint64_t chunks() const { return intact_chunks + erased_chunks + damaged_chunks; }
};

void PrintFaults(const v1::VerifyStoredResponse& page) {
  for (const v1::StoredFault& fault : page.faults()) {
    PrintData(fmt::format("{}  stream {}  writer {}  chunk {}\n", UnreadableWord(fault.reason()),
                          fault.stream_id(), fault.writer_id(), fault.number()));
  }
}

void PrintSummary(const Summary& summary, bool json) {
  if (!json) {
    PrintData(fmt::format("{} chunks intact ({}), {} erased, {} damaged\n",
                          FormatCount(summary.intact_chunks),
                          FormatBytes(static_cast<double>(summary.intact_bytes)),
                          FormatCount(summary.erased_chunks), FormatCount(summary.damaged_chunks)));
    return;
  }
  PrintJson(Json::Object({{"intact_chunks", summary.intact_chunks},
                          {"intact_bytes", summary.intact_bytes},
                          {"erased_chunks", summary.erased_chunks},
                          {"damaged_chunks", summary.damaged_chunks},
                          {"faults", ToJson(summary.faults).Member("faults")}}));
}

absl::Status VerifyStream(Context& context, const VerifyOptions& options) {
  TM_ASSIGN_OR_RETURN(const Api* api, context.api());
  v1::VerifyStoredRequest request;
  TM_ASSIGN_OR_RETURN(*request.mutable_participant_id(), api->ParticipantId(options.participant));
  for (const std::string& name : options.streams) {
    TM_ASSIGN_OR_RETURN(const v1::Stream stream, api->Stream(request.participant_id(), name));
    request.add_stream_ids(stream.stream_id());
  }
  request.set_page_size(kPageSize);
  Summary summary;
  do {
    TM_ASSIGN_OR_RETURN(const auto page,
                        api->Call(*api->signals, &v1::SignalService::Stub::VerifyStored, request));
    summary.Add(page);
    if (!context.json()) PrintFaults(page);
    context.progress().Update(fmt::format("{} chunks verified, {}", FormatCount(summary.chunks()),
                                          FormatBytes(static_cast<double>(summary.intact_bytes))));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  context.progress().Clear();
  PrintSummary(summary, context.json());
  if (summary.damaged_chunks == 0) return absl::OkStatus();
  return absl::DataLossError(
      fmt::format("{} stored chunks are not what was sent", FormatCount(summary.damaged_chunks)));
}

}  // namespace

void AddStreamVerifyCommand(Commands& commands, flags::Command stream) {
  const auto options = std::make_shared<VerifyOptions>();
  const flags::Command verify =
      commands.Verb(stream, "verify", "Compare what is stored with the SHA-256 of what was sent",
                    [options](Context& context) { return VerifyStream(context, *options); });
  verify.AddOption("--participant", options->participant, "Id or STUDY/CODE").Required();
  verify.AddOption("--stream", options->streams,
                   "Id, NAME or DEVICE/NAME; may be repeated; without: all");
}

}  // namespace tidemark::cli
