#include "cli/import/watch_phone.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/format_count.h"
#include "base/status_macros.h"
#include "cli/import/csv_reader.h"
#include "cli/import/numbers.h"
#include "cli/import/recorder.h"

namespace tidemark::cli {
namespace {

constexpr std::array<std::string_view, 8> kColumns = {"x_acc",  "y_acc",  "z_acc",     "x_gyro",
                                                      "y_gyro", "z_gyro", "timestamp", "label"};
constexpr size_t kMotionColumns = 6;
constexpr size_t kStampColumn = 6;
constexpr size_t kLabelColumn = 7;
constexpr int64_t kNsPerMs = 1'000'000;
// Stamps further from 1970 are not milliseconds.
constexpr int64_t kStampMsMax = 1LL << 42;

struct DeviceKind {
  std::string_view suffix;
  std::string_view name;
  std::string_view body_site;
};
constexpr DeviceKind kWatch{"_sw.csv", "watch", "wrist"};
constexpr DeviceKind kPhone{"_sp.csv", "phone", "pocket"};

// Both devices run Android: axes as the screen lies, a resting axis that points up reads +g.
v1::StreamDeclaration WatchPhoneDeclaration(v1::Modality modality, std::string_view unit,
                                            const DeviceKind& kind) {
  auto declaration = MotionDeclaration(modality, unit, v1::CHANNEL_TYPE_FLOAT32);
  declaration.mutable_frame()->set_axes("+x +y +z");
  if (modality == v1::MODALITY_ACCELERATION) {
    declaration.mutable_frame()->set_rest_sign(v1::REST_SIGN_PLUS_G);
  }
  declaration.mutable_placement()->set_body_site(std::string(kind.body_site));
  declaration.mutable_nominal_rate()->set_numerator(100);
  declaration.mutable_nominal_rate()->set_denominator(1);
  declaration.set_stamped(true);
  return declaration;
}

absl::StatusOr<CsvReader> OpenTrial(const std::string& path) {
  TM_ASSIGN_OR_RETURN(CsvReader reader, CsvReader::Open(path));
  std::vector<std::string_view> header;
  TM_ASSIGN_OR_RETURN(const bool any, reader.Next(header));
  if (!any) return absl::InvalidArgumentError(fmt::format("{}: the file is empty", path));
  for (const std::string_view name : header) {
    if (std::find(kColumns.begin(), kColumns.end(), name) == kColumns.end()) {
      return reader.Error(name, "is not a column of watch-phone files");
    }
  }
  if (!std::equal(header.begin(), header.end(), kColumns.begin(), kColumns.end())) {
    return reader.Error(
        "the columns must be x_acc,y_acc,z_acc,x_gyro,y_gyro,z_gyro,timestamp,label");
  }
  return reader;
}

absl::StatusOr<int64_t> StampNs(const CsvReader& reader, std::string_view text) {
  const auto stamp_ms = ParseNumber<int64_t>(text);
  if (!stamp_ms || *stamp_ms < -kStampMsMax || *stamp_ms > kStampMsMax) {
    return reader.Error("timestamp", fmt::format("\"{}\" is no integer of milliseconds", text));
  }
  return *stamp_ms * kNsPerMs;
}

// Plays the trials of one device; every trial begins a new run on both streams.
class WatchPhonePlayer {
 public:
  WatchPhonePlayer(ingest::RecordingSink& sink, const BootId& boot, const DeviceKind& kind)
      : sink_(sink), boot_(boot), kind_(kind) {}

  absl::Status Play(const std::vector<std::string>& files) {
    for (const std::string& path : files) TM_RETURN_IF_ERROR(PlayTrial(path));
    return absl::OkStatus();
  }

 private:
  absl::Status Begin(int64_t at_ns) {
    TM_RETURN_IF_ERROR(BeginWallClockBoot(sink_, boot_, at_ns));
    TM_ASSIGN_OR_RETURN(
        const int acc, sink_.DeclareStream(
                           "acc", WatchPhoneDeclaration(v1::MODALITY_ACCELERATION, "m/s2", kind_)));
    TM_ASSIGN_OR_RETURN(
        const int gyro,
        sink_.DeclareStream("gyro", WatchPhoneDeclaration(v1::MODALITY_GYROSCOPE, "rad/s", kind_)));
    runs_.emplace_back(sink_, acc, 3);
    runs_.emplace_back(sink_, gyro, 3);
    return absl::OkStatus();
  }

  absl::Status PlayTrial(const std::string& path) {
    TM_ASSIGN_OR_RETURN(CsvReader reader, OpenTrial(path));
    std::vector<std::string_view> fields;
    for (bool first = true;; first = false) {
      TM_ASSIGN_OR_RETURN(const bool more, reader.NextRow(kColumns.size(), fields));
      if (!more) return first ? reader.HeaderOnlyError() : Flush();
      TM_ASSIGN_OR_RETURN(const int64_t stamp_ns, StampNs(reader, fields[kStampColumn]));
      if (runs_.empty()) TM_RETURN_IF_ERROR(Begin(stamp_ns));
      if (runs_[0].IsFull(stamp_ns)) TM_RETURN_IF_ERROR(Flush());
      TM_RETURN_IF_ERROR(AddRow(reader, stamp_ns, fields));
    }
  }

  absl::Status AddRow(const CsvReader& reader, int64_t stamp_ns,
                      const std::vector<std::string_view>& fields) {
    for (RunBuilder& run : runs_) run.AddStamp(stamp_ns);
    for (size_t column = 0; column < kMotionColumns; ++column) {
      const auto value = ParseExactFloat(fields[column]);
      if (!value) {
        return reader.Error(kColumns[column],
                            fmt::format("\"{}\" is not a single-precision number", fields[column]));
      }
      runs_[column / 3].AddValue(column % 3, *value);
    }
    return absl::OkStatus();
  }

  absl::Status Flush() {
    for (RunBuilder& run : runs_) TM_RETURN_IF_ERROR(run.FlushExact());
    return absl::OkStatus();
  }

  ingest::RecordingSink& sink_;
  BootId boot_;
  DeviceKind kind_;
  std::vector<RunBuilder> runs_;  // acc and gyro, once the first stamp is known
};

std::vector<std::string> FilesEndingIn(const std::string& dir, std::string_view suffix) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error)) {
    if (entry.path().filename().string().ends_with(suffix)) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::Status CountWatchPhoneLabels(const std::string& path, LabelCount& count) {
  TM_ASSIGN_OR_RETURN(CsvReader reader, OpenTrial(path));
  std::vector<std::string_view> fields;
  std::string last;
  for (;;) {
    TM_ASSIGN_OR_RETURN(const bool more, reader.NextRow(kColumns.size(), fields));
    if (!more) return absl::OkStatus();
    const std::string_view label = fields[kLabelColumn];
    if (!label.empty()) ++count.labels;
    if (!label.empty() && label != last) ++count.intervals;
    last = label;
  }
}

}  // namespace

absl::StatusOr<std::vector<ingest::Recording>> WatchPhoneRecordings(const std::string& person_dir,
                                                                    LabelCount& count) {
  const std::string person = CodeOfPath(person_dir);
  std::vector<ingest::Recording> recordings;
  for (const DeviceKind& kind : {kWatch, kPhone}) {
    const std::vector<std::string> files = FilesEndingIn(person_dir, kind.suffix);
    if (files.empty()) continue;
    for (const std::string& file : files) TM_RETURN_IF_ERROR(CountWatchPhoneLabels(file, count));
    TM_ASSIGN_OR_RETURN(const BootId boot,
                        BootOfFiles(fmt::format("watch-phone/{}/{}", person, kind.name), files));
    recordings.push_back({.participant_code = person,
                          .device_name = std::string(kind.name),
                          .description = fmt::format("watch-phone CSV, {} trials", files.size()),
                          .play = [files, boot, kind](ingest::RecordingSink& sink) {
                            return WatchPhonePlayer(sink, boot, kind).Play(files);
                          }});
  }
  if (recordings.empty()) {
    return absl::NotFoundError(
        fmt::format("{}: holds no files named *_sw.csv or *_sp.csv", person_dir));
  }
  return recordings;
}

std::string WatchPhoneLabelNote(const LabelCount& count) {
  const auto where = fmt::format("one per sample, {} intervals", FormatCount(count.intervals));
  return "watch-phone: " + LabelNote(count.labels, where);
}

absl::StatusOr<Imported> ImportWatchPhone(const std::string& person_dir) {
  LabelCount count;
  TM_ASSIGN_OR_RETURN(auto recordings, WatchPhoneRecordings(person_dir, count));
  Imported imported{.recordings = std::move(recordings), .notes = {}};
  if (count.labels > 0) imported.notes.push_back(WatchPhoneLabelNote(count));
  return imported;
}

}  // namespace tidemark::cli
