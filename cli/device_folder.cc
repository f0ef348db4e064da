#include "cli/device_folder.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "cli/enum_words.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "ingest/client/outbox_sink.h"

namespace tidemark::cli {

absl::StatusOr<DeviceFolder> DeviceFolder::Open(const std::filesystem::path& folder) {
  TM_ASSIGN_OR_RETURN(ingest::Identity identity, ingest::Identity::Load(folder));
  TM_ASSIGN_OR_RETURN(auto outbox, ingest::Outbox::Open(identity.outbox_folder()));
  std::optional<ingest::Ledger> ledger;
  TM_RETURN_IF_ERROR(outbox->WriteFromReserve([&] {
    auto opened = ingest::Ledger::Open(identity.ledger_path());
    if (opened.ok()) ledger.emplace(*std::move(opened));
    return opened.status();
  }));
  return DeviceFolder{std::move(identity), std::move(outbox), *std::move(ledger)};
}

absl::StatusOr<DeviceFolder::Streams> DeviceFolder::Record(const ingest::Recording& recording) {
  ingest::OutboxSink to_outbox(*outbox);
  ingest::DigestSink digests;
  ingest::TeeSink both(to_outbox, digests);
  TM_RETURN_IF_ERROR(recording.play(both));
  TM_RETURN_IF_ERROR(to_outbox.Finish());
  return digests.Finish();
}

absl::StatusOr<DeviceFolder::Import> DeviceFolder::ImportOnce(const ingest::Recording& recording) {
  ingest::RecordingDigest before;
  TM_RETURN_IF_ERROR(recording.play(before));
  const Sha256Digest digest = before.Finish();

  ingest::OutboxSink to_outbox(*outbox, digest);
  ingest::DigestSink digests;
  ingest::RecordingDigest after;
  ingest::TeeSink looked_at(digests, after);
  ingest::TeeSink all(to_outbox, looked_at);
  TM_RETURN_IF_ERROR(recording.play(all));
  TM_RETURN_IF_ERROR(to_outbox.Finish());
  if (after.Finish() != digest) {
    return absl::AbortedError("the files changed while they were read");
  }
  return Import{digests.Finish(), to_outbox.chunks(), to_outbox.chunks_before()};
}

ingest::UploadReport DeviceFolder::Upload(ingest::UploadOptions options,
                                          const ingest::ServerAddress& server) {
  const auto channel = ingest::Connect(server.target.empty() ? identity.address() : server);
  if (!channel.ok()) {
    ingest::UploadReport report;
    report.status = channel.status();
    return report;
  }
  ingest::UploadClient client(*channel, identity, *outbox, ledger, std::move(options));
  return client.Drain();
}

std::string Describe(const std::map<v1::Outcome, uint64_t>& receipts) {
  std::string text;
  for (const auto& [outcome, count] : receipts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", FormatCount(count), WordOf(outcome));
  }
  return text;
}

std::string Describe(const ingest::UploadReport& report) {
  std::string text = Describe(report.receipts);
  if (text.empty()) text = report.chunks_left == 0 ? "nothing to send" : "nothing was answered";
  text += fmt::format("; {} acknowledged", FormatBytes(double(report.body_bytes_deleted)));
  if (report.chunks_kept > 0) text += fmt::format(", {} kept aside", report.chunks_kept);
  if (report.chunks_stopped > 0) text += fmt::format(", {} withdrawn", report.chunks_stopped);
  if (report.chunks_left > 0) text += fmt::format(", {} left", report.chunks_left);
  if (report.chunks_unreadable > 0) {
    text += fmt::format(", {} of them unreadable here", report.chunks_unreadable);
  }
  if (report.writers_started > 0) text += "; the outbox had been restored from a copy";
  if (!report.note.empty()) text += fmt::format(" ({})", report.note);
  return text;
}

Json ToJson(const ingest::UploadReport& report) {
  Json receipts = Json::Object();
  for (const auto& [outcome, count] : report.receipts) {
    receipts.Set(v1::Outcome_Name(outcome), count);
  }
  return Json::Object({{"receipts", std::move(receipts)},
                       {"chunks_deleted", report.chunks_deleted},
                       {"chunks_set_aside", report.chunks_set_aside},
                       {"body_bytes_acknowledged", report.body_bytes_deleted},
                       {"envelope_bytes_sent", report.envelope_bytes_sent},
                       {"chunks_kept", report.chunks_kept},
                       {"chunks_stopped", report.chunks_stopped},
                       {"chunks_left", report.chunks_left},
                       {"chunks_unreadable", report.chunks_unreadable},
                       {"numbers_abandoned", report.numbers_abandoned},
                       {"writers_started", report.writers_started},
                       {"attempts_failed", report.attempts_failed},
                       {"elapsed_s", absl::ToDoubleSeconds(report.elapsed)},
                       {"status", report.status.ok() ? "OK" : std::string(report.status.message())},
                       {"note", report.note}});
}

absl::Status StatusOf(const ingest::UploadReport& report) {
  if (!report.status.ok()) return report.status;
  if (report.chunks_left > 0) {
    return PartialError(
        fmt::format("{} chunks stay in the outbox: {}", report.chunks_left, report.note));
  }
  if (report.chunks_kept > 0) {
    return PartialError(fmt::format("{} chunks can never be accepted and were moved to kept/: {}",
                                    report.chunks_kept, report.note));
  }
  if (report.chunks_set_aside > 0) {
    return SetAsideError(fmt::format(
        "done, but {} of {} chunks were set aside by the server, which keeps their bytes; see: "
        "tidemark quarantine list",
        report.chunks_set_aside, report.chunks_deleted));
  }
  return absl::OkStatus();
}

}  // namespace tidemark::cli
