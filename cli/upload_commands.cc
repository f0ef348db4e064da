// upload: empties the outbox of a device folder.
#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/device_folder.h"
#include "cli/output.h"

namespace tidemark::cli {
namespace {

struct UploadCommandOptions {
  std::string folder;
  bool bundle = false;
  bool no_compression = false;
  bool accept_unsafe_durability = false;
};

absl::Status Upload(Context& context, const UploadCommandOptions& options) {
  TM_ASSIGN_OR_RETURN(DeviceFolder device, DeviceFolder::Open(options.folder));
  for (const ingest::LedgerDamage& damage : device.ledger.damages()) {
    context.progress().Say(fmt::format("receipts.ledger is damaged: {}", Describe(damage)));
  }
  const uint64_t chunks = device.outbox->pending_chunks();
  ingest::UploadOptions upload;
  upload.way = options.bundle ? ingest::UploadWay::kBundle : ingest::UploadWay::kStream;
  upload.compress = !options.no_compression;
  upload.accept_unsafe_durability = options.accept_unsafe_durability;
  upload.on_progress = [&](const ingest::UploadReport& report) {
    context.progress().Update(fmt::format("uploading: {} of {} chunks, {} acknowledged",
                                          chunks - std::min(chunks, report.chunks_left), chunks,
                                          FormatBytes(double(report.body_bytes_deleted))));
  };
  const ingest::UploadReport report =
      device.Upload(std::move(upload),
                    context.options().server_given ? context.address() : ingest::ServerAddress());
  context.progress().Clear();
  if (context.json()) {
    PrintJson(ToJson(report));
  } else {
    PrintData(Describe(report) + "\n");
  }
  return StatusOf(report);
}

}  // namespace

void AddUploadCommands(Commands& commands) {
  const auto options = std::make_shared<UploadCommandOptions>();
  const flags::Command upload =
      commands.Verb(commands.root(), "upload", "Send what waits in the outbox of a device folder",
                    [options](Context& context) { return Upload(context, *options); });
  upload.AddOption("folder", options->folder, "Folder of the device").Required();
  upload.AddFlag("--bundle", options->bundle, "By signed bundles instead of one stream");
  upload.AddFlag("--no-compression", options->no_compression, "Send bodies as they are");
  upload.AddFlag("--accept-unsafe-durability", options->accept_unsafe_durability,
                 "Delete on the word of a test server that a crash may make a liar");
}

}  // namespace tidemark::cli
