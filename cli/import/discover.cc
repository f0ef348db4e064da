// Finds the data sets in a folder laid out like the shared development data.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "base/status_macros.h"
#include "cli/import/import.h"
#include "cli/import/recorder.h"
#include "cli/import/watch_phone.h"

namespace tidemark::cli {
namespace {

namespace fs = std::filesystem;

// Entries of `dir` in order of name; empty if there is no such folder.
std::vector<fs::path> Sorted(const fs::path& dir) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir, error)) entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

void Take(Imported from, Imported& to) {
  std::move(from.recordings.begin(), from.recordings.end(), std::back_inserter(to.recordings));
  std::move(from.notes.begin(), from.notes.end(), std::back_inserter(to.notes));
}

absl::Status AddWatchPhone(const fs::path& dir, Imported& found) {
  LabelCount labels;
  for (const fs::path& person : Sorted(dir)) {
    if (!fs::is_directory(person)) continue;
    TM_ASSIGN_OR_RETURN(auto recordings, WatchPhoneRecordings(person.string(), labels));
    std::move(recordings.begin(), recordings.end(), std::back_inserter(found.recordings));
  }
  if (labels.labels > 0) found.notes.push_back(WatchPhoneLabelNote(labels));
  return absl::OkStatus();
}

absl::Status AddE4(const fs::path& dir, Imported& found) {
  for (const fs::path& session : Sorted(dir)) {
    if (!fs::is_directory(session)) continue;
    TM_ASSIGN_OR_RETURN(Imported imported, ImportE4(session.string()));
    Take(std::move(imported), found);
  }
  return absl::OkStatus();
}

// The WAV files of a folder and of the folders in it.
std::vector<std::string> WavFiles(const fs::path& dir) {
  std::vector<std::string> files;
  for (const fs::path& entry : Sorted(dir)) {
    if (entry.extension() == ".wav") files.push_back(entry.string());
    if (!fs::is_directory(entry)) continue;
    for (const fs::path& inner : Sorted(entry)) {
      if (inner.extension() == ".wav") files.push_back(inner.string());
    }
  }
  return files;
}

absl::Status AddAudio(const fs::path& dir, std::string_view device, Imported& found) {
  const std::vector<std::string> files = WavFiles(dir);
  if (files.empty()) return absl::OkStatus();
  WavOptions options;
  options.device_name = std::string(device);
  TM_ASSIGN_OR_RETURN(Imported imported, ImportWav(files, options));
  for (std::string& note : imported.notes) {
    note = fmt::format("{}: {}", dir.filename().string(), note);
  }
  Take(std::move(imported), found);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Imported> DiscoverSharedData(const std::string& dir) {
  const fs::path root(dir);
  Imported found;
  TM_RETURN_IF_ERROR(AddWatchPhone(root / "watch-phone-tug", found));
  TM_RETURN_IF_ERROR(AddE4(root / "empatica-e4", found));
  TM_RETURN_IF_ERROR(AddAudio(root / "audio-events", "phone", found));
  TM_RETURN_IF_ERROR(AddAudio(root / "spoken-digits", "recorder", found));
  if (found.recordings.empty()) {
    return absl::NotFoundError(fmt::format(
        "{}: holds none of watch-phone-tug, empatica-e4, audio-events, spoken-digits", dir));
  }
  return found;
}

}  // namespace tidemark::cli
