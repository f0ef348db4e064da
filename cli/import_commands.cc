// import csv | watch-phone | e4 | wav: other people's files into the outboxes of our devices.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/command.h"
#include "cli/device_folder.h"
#include "cli/exit_code.h"
#include "cli/import/import.h"
#include "cli/output.h"

namespace tidemark::cli {
namespace {

struct ImportOptions {
  std::string source;
  std::vector<std::string> wav_files;
  std::string mapping;
  WavOptions wav;
  std::vector<std::string> folders;  // DIR, or NAME=DIR
  bool upload = false;
};

// Which folder takes which recording. One bare folder is for a file with one device.
absl::StatusOr<std::map<std::string, std::string>> FoldersByDevice(
    const ImportOptions& options, const std::vector<ingest::Recording>& recordings) {
  std::map<std::string, std::string> folders;
  std::string names;
  for (const ingest::Recording& recording : recordings) {
    names += (names.empty() ? "" : ", ") + recording.device_name;
  }
  for (const std::string& folder : options.folders) {
    const size_t equals = folder.find('=');
    if (equals != std::string::npos) {
      folders[folder.substr(0, equals)] = folder.substr(equals + 1);
    } else if (recordings.size() == 1) {
      folders[recordings[0].device_name] = folder;
    } else {
      return UsageError(fmt::format("folder: say NAME=DIR; the files hold the devices {}", names));
    }
  }
  for (const auto& [name, folder] : folders) {
    const bool known =
        std::any_of(recordings.begin(), recordings.end(),
                    [&name = name](const auto& one) { return one.device_name == name; });
    if (!known) {
      return UsageError(fmt::format("folder: the files hold no device {}, only {}", name, names));
    }
  }
  return folders;
}

Json StreamsJson(const DeviceFolder::Streams& streams) {
  Json all = Json::Array();
  for (const auto& [name, stream] : streams) {
    all.Append(Json::Object(
        {{"name", name}, {"chunks", stream.summary.runs}, {"samples", stream.summary.samples}}));
  }
  return all;
}

void ShowStreams(const ingest::Recording& recording, const DeviceFolder::Streams& streams) {
  Table table({"DEVICE", "STREAM", "CHUNKS", "SAMPLES"});
  for (const auto& [name, stream] : streams) {
    table.AddRow({recording.device_name, name, FormatCount(stream.summary.runs),
                  FormatCount(stream.summary.samples)});
  }
  PrintData(table.Format());
}

std::string DescribeImport(const DeviceFolder::Import& import) {
  if (import.chunks_before == 0) return fmt::format("{} chunks", FormatCount(import.chunks_new));
  if (import.chunks_new == 0) return "already imported; nothing was added";
  return fmt::format("continued: {} chunks were there, {} were added",
                     FormatCount(import.chunks_before), FormatCount(import.chunks_new));
}

absl::Status ImportOne(Context& context, const ImportOptions& options,
                       const ingest::Recording& recording, const std::string& folder, Json& all) {
  TM_ASSIGN_OR_RETURN(DeviceFolder device, DeviceFolder::Open(folder));
  context.progress().Say(
      fmt::format("{}: {} -> {}", recording.device_name, recording.description, folder));
  TM_ASSIGN_OR_RETURN(const DeviceFolder::Import import, device.ImportOnce(recording));
  context.progress().Say(fmt::format("{}: {}", recording.device_name, DescribeImport(import)));
  Json json = Json::Object({{"device", recording.device_name},
                            {"chunks_new", import.chunks_new},
                            {"chunks_before", import.chunks_before},
                            {"streams", StreamsJson(import.streams)}});
  if (!context.json()) ShowStreams(recording, import.streams);
  absl::Status uploaded;
  if (options.upload) {
    const ingest::UploadReport report = device.Upload({});
    context.progress().Say(Describe(report));
    json.Set("upload", ToJson(report));
    uploaded = StatusOf(report);
  }
  all.Append(std::move(json));
  return uploaded;
}

// What holds several devices takes each of them, whatever became of the one before; the first error
// is the answer.
absl::Status ImportRecordings(Context& context, const ImportOptions& options,
                              const absl::StatusOr<Imported>& imported) {
  TM_RETURN_IF_ERROR(imported.status());
  for (const std::string& note : imported->notes) context.progress().Say(note);
  TM_ASSIGN_OR_RETURN(const auto folders, FoldersByDevice(options, imported->recordings));
  Json all = Json::Array();
  absl::Status first_error;
  for (const ingest::Recording& recording : imported->recordings) {
    const auto folder = folders.find(recording.device_name);
    if (folder == folders.end()) {
      context.progress().Say(
          fmt::format("{}: left out, no --folder names it", recording.device_name));
      continue;
    }
    first_error.Update(ImportOne(context, options, recording, folder->second, all));
  }
  if (context.json()) PrintJson(all);
  return first_error;
}

}  // namespace

void AddImportCommands(Commands& commands) {
  const flags::Command noun = commands.Noun("import", "Take recordings of other systems");
  const auto options = std::make_shared<ImportOptions>();
  const auto verb = [&](const char* name, const char* description, auto read) -> flags::Command {
    const flags::Command app =
        commands.Verb(noun, name, description, [options, read](Context& context) {
          return ImportRecordings(context, *options, read(*options));
        });
    app.AddOption("--folder", options->folders,
                  "Folder of the enrolled device; NAME=DIR where the files hold several")
        .Required();
    app.AddFlag("--upload", options->upload, "Send at once");
    return app;
  };
  const flags::Command csv =
      verb("csv", "Any table with a time column, by a mapping file (docs/import.md)",
           [](const ImportOptions& o) { return ImportCsv(o.source, o.mapping); });
  csv.AddOption("file", options->source, "Table").Required();
  csv.AddOption("--mapping", options->mapping, "JSON file that says what the columns are")
      .Required();
  verb("watch-phone", "Motion of one person, sNN_EE_sw.csv and sNN_EE_sp.csv",
       [](const ImportOptions& o) { return ImportWatchPhone(o.source); })
      .AddOption("folder", options->source, "Folder of the person")
      .Required();
  verb("e4", "Export of an Empatica E4", [](const ImportOptions& o) { return ImportE4(o.source); })
      .AddOption("folder", options->source, "Folder with ACC.csv, BVP.csv, ...")
      .Required();
  const flags::Command wav =
      verb("wav", "16-bit PCM files as the clips of one recording",
           [](const ImportOptions& o) { return ImportWav(o.wav_files, o.wav); });
  wav.AddOption("files", options->wav_files, "WAV files in order").Required();
  wav.AddOption("--device-name", options->wav.device_name, "How the recording calls the device")
      .ShowDefault();
  wav.AddOption("--start-ns", options->wav.start_ns, "When the first file begins, UTC nanoseconds")
      .ShowDefault();
  wav.AddOption("--gap-s", options->wav.gap_s,
                "Least time between two files, seconds, in which nothing is recorded")
      .ShowDefault();
}

}  // namespace tidemark::cli
