// Empatica E4 exports: a start time and a rate in the first rows, then one value per row.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <numeric>
#include <optional>
#include <system_error>
#include <utility>

#include "base/status_macros.h"
#include "cli/import/csv_reader.h"
#include "cli/import/import.h"
#include "cli/import/numbers.h"
#include "cli/import/recorder.h"
#include "core/signal/int128.h"

namespace tidemark::cli {
namespace {

namespace fs = std::filesystem;

// Rates are read to a millionth of a hertz.
constexpr int kRateDigits = 6;
constexpr int64_t kRateUnit = 1'000'000;
constexpr int64_t kRateMax = 100'000 * kRateUnit;
constexpr int64_t kChunkSeconds = 300;

// Decimals stay what they are as float64 (the codec stores them as the integers they stand for);
// accelerations are integers of 1/64 g.
struct RegularFile {
  std::string_view file;
  std::string_view stream;
  v1::Modality modality;
  std::string_view unit;
  size_t columns;
};
constexpr std::array<RegularFile, 5> kRegularFiles = {{
    {"ACC.csv", "acc", v1::MODALITY_ACCELERATION, "[g]", 3},
    {"BVP.csv", "bvp", v1::MODALITY_PPG, "1", 1},
    {"EDA.csv", "eda", v1::MODALITY_ELECTRODERMAL_ACTIVITY, "uS", 1},
    {"HR.csv", "hr", v1::MODALITY_HEART_RATE, "/min", 1},
    {"TEMP.csv", "temp", v1::MODALITY_SKIN_TEMPERATURE, "Cel", 1},
}};
constexpr std::string_view kIbiFile = "IBI.csv";

bool IsAcceleration(const RegularFile& kind) { return kind.columns == 3; }

v1::StreamDeclaration E4Declaration(const RegularFile& kind, int64_t rate) {
  v1::StreamDeclaration declaration;
  if (IsAcceleration(kind)) {
    // The maker names the axes but not how they lie; at rest, up reads +64.
    declaration = MotionDeclaration(kind.modality, kind.unit, v1::CHANNEL_TYPE_INT16, 1.0 / 64);
    declaration.mutable_frame()->set_rest_sign(v1::REST_SIGN_PLUS_G);
  } else {
    declaration.set_modality(kind.modality);
    *declaration.add_channels() = MakeChannel(kind.stream, kind.unit, v1::CHANNEL_TYPE_FLOAT64);
  }
  declaration.mutable_placement()->set_body_site("wrist");
  const int64_t common = std::gcd(rate, kRateUnit);
  declaration.mutable_nominal_rate()->set_numerator(static_cast<uint32_t>(rate / common));
  declaration.mutable_nominal_rate()->set_denominator(static_cast<uint32_t>(kRateUnit / common));
  return declaration;
}

v1::StreamDeclaration IbiDeclaration() {
  v1::StreamDeclaration declaration;
  declaration.set_modality(v1::MODALITY_INTER_BEAT_INTERVAL);
  *declaration.add_channels() = MakeChannel("ibi", "s", v1::CHANNEL_TYPE_FLOAT64);
  declaration.mutable_placement()->set_body_site("wrist");
  declaration.set_stamped(true);
  return declaration;
}

// A row of the head, which must hold the same number in every column.
absl::StatusOr<int64_t> HeadNumber(CsvReader& reader, size_t columns, int digits,
                                   std::string_view what) {
  std::vector<std::string_view> fields;
  TM_ASSIGN_OR_RETURN(const bool more, reader.Next(fields));
  if (!more) return reader.Error(fmt::format("the file ends before its {}", what));
  if (fields.size() != columns) {
    return reader.Error(fmt::format("the {} must stand in {} column(s)", what, columns));
  }
  std::optional<int64_t> number;
  for (const std::string_view field : fields) {
    const auto value = ParseScaledDecimal(field, digits);
    if (!value || (number && value != number)) {
      return reader.Error(fmt::format("\"{}\" is not the {} of all columns", field, what));
    }
    number = value;
  }
  return *number;
}

struct RegularHead {
  int64_t start_ns = 0;
  int64_t rate = 0;  // in 1 / kRateUnit hertz

  // Sample i, exact to below a nanosecond however long the file is.
  int64_t StampNs(uint64_t i) const {
    const auto elapsed =
        signal::FloorDivide(static_cast<signal::Int128>(i) * kNsPerSecond * kRateUnit, rate);
    return start_ns + static_cast<int64_t>(elapsed);
  }
  size_t RunSamples() const {
    return static_cast<size_t>(
        std::clamp<int64_t>(rate * kChunkSeconds / kRateUnit, 1, kRunSamplesMax));
  }
};

// A start this early or late leaves room for the whole recording in int64 nanoseconds.
constexpr int64_t kStartMaxNs = 1LL << 62;

absl::StatusOr<RegularHead> ReadHead(CsvReader& reader, size_t columns) {
  RegularHead head;
  TM_ASSIGN_OR_RETURN(head.start_ns, HeadNumber(reader, columns, 9, "start time"));
  if (head.start_ns < 0 || head.start_ns > kStartMaxNs) {
    return reader.Error("the start time is not in seconds since 1970");
  }
  TM_ASSIGN_OR_RETURN(head.rate, HeadNumber(reader, columns, kRateDigits, "sample rate"));
  if (head.rate <= 0 || head.rate > kRateMax) {
    return reader.Error("the sample rate is not between 0 and 100,000 Hz");
  }
  return head;
}

absl::Status AddRow(const CsvReader& reader, const RegularFile& kind,
                    const std::vector<std::string_view>& fields, RunBuilder& run) {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (IsAcceleration(kind)) {
      const auto value = ParseNumber<int16_t>(fields[i]);
      if (!value) return reader.Error(fmt::format("\"{}\" is no 16-bit integer", fields[i]));
      run.AddValue(i, *value);
    } else {
      const auto value = ParseNumber<double>(fields[i]);
      if (!value) return reader.Error(fmt::format("\"{}\" is no number", fields[i]));
      run.AddValue(i, *value);
    }
  }
  return absl::OkStatus();
}

absl::Status PlayRegular(ingest::RecordingSink& sink, const std::string& path,
                         const RegularFile& kind) {
  TM_ASSIGN_OR_RETURN(CsvReader reader, CsvReader::Open(path));
  TM_ASSIGN_OR_RETURN(const RegularHead head, ReadHead(reader, kind.columns));
  TM_ASSIGN_OR_RETURN(const int stream,
                      sink.DeclareStream(std::string(kind.stream), E4Declaration(kind, head.rate)));
  RunBuilder run(sink, stream, kind.columns);
  const size_t run_samples = head.RunSamples();
  std::vector<std::string_view> fields;
  for (size_t count = 0;; ++count) {
    TM_ASSIGN_OR_RETURN(const bool more, reader.NextRow(kind.columns, fields));
    if (count == run_samples || !more) {
      const uint64_t first = run.counter();
      TM_RETURN_IF_ERROR(run.FlushRegular(
          head.StampNs(first), head.StampNs(first + std::max<size_t>(count, 1) - 1), count));
      count = 0;
    }
    if (!more) return run.counter() > 0 ? absl::OkStatus() : reader.HeaderOnlyError();
    TM_RETURN_IF_ERROR(AddRow(reader, kind, fields, run));
  }
}

// The first row is "start, IBI"; the others are seconds since the start and the interval.
absl::StatusOr<int64_t> IbiStartNs(CsvReader& reader) {
  std::vector<std::string_view> fields;
  TM_ASSIGN_OR_RETURN(const bool more, reader.Next(fields));
  const auto start_ns = more ? ParseScaledDecimal(fields[0], 9) : std::nullopt;
  if (!start_ns || fields.size() != 2 || *start_ns < 0 || *start_ns > kStartMaxNs) {
    return reader.Error("the first row must be the start time and the word IBI");
  }
  return *start_ns;
}

absl::Status PlayIbi(ingest::RecordingSink& sink, const std::string& path) {
  TM_ASSIGN_OR_RETURN(CsvReader reader, CsvReader::Open(path));
  TM_ASSIGN_OR_RETURN(const int64_t start_ns, IbiStartNs(reader));
  TM_ASSIGN_OR_RETURN(const int stream, sink.DeclareStream("ibi", IbiDeclaration()));
  RunBuilder run(sink, stream, 1);
  std::vector<std::string_view> fields;
  for (;;) {
    TM_ASSIGN_OR_RETURN(const bool more, reader.NextRow(2, fields));
    if (!more) break;
    const auto offset_ns = ParseScaledDecimal(fields[0], 9);
    const auto interval = ParseNumber<double>(fields[1]);
    if (!offset_ns || std::abs(*offset_ns) > kStartMaxNs / 2 || !interval) {
      return reader.Error("a row must be a time and an interval in seconds");
    }
    if (run.IsFull(start_ns + *offset_ns)) TM_RETURN_IF_ERROR(run.FlushExact());
    run.AddStamp(start_ns + *offset_ns);
    run.AddValue(0, *interval);
  }
  return run.FlushExact();  // no rows at all: no beat was found
}

// The earliest start of the files: when the device was switched on, as far as anybody knows.
absl::StatusOr<int64_t> EarliestStartNs(const std::string& folder) {
  std::optional<int64_t> earliest;
  for (const RegularFile& kind : kRegularFiles) {
    const std::string path = fs::path(folder) / kind.file;
    if (!fs::exists(path)) continue;
    TM_ASSIGN_OR_RETURN(CsvReader reader, CsvReader::Open(path));
    TM_ASSIGN_OR_RETURN(const RegularHead head, ReadHead(reader, kind.columns));
    earliest = std::min(earliest.value_or(head.start_ns), head.start_ns);
  }
  if (earliest) return *earliest;
  TM_ASSIGN_OR_RETURN(CsvReader reader, CsvReader::Open(fs::path(folder) / kIbiFile));
  return IbiStartNs(reader);
}

absl::Status Play(ingest::RecordingSink& sink, const std::string& folder, const BootId& boot) {
  TM_ASSIGN_OR_RETURN(const int64_t start_ns, EarliestStartNs(folder));
  TM_RETURN_IF_ERROR(BeginWallClockBoot(sink, boot, start_ns));
  for (const RegularFile& kind : kRegularFiles) {
    const std::string path = fs::path(folder) / kind.file;
    if (fs::exists(path)) TM_RETURN_IF_ERROR(PlayRegular(sink, path, kind));
  }
  const std::string ibi = fs::path(folder) / kIbiFile;
  return fs::exists(ibi) ? PlayIbi(sink, ibi) : absl::OkStatus();
}

// Button presses: one per row of every tags*.csv.
absl::StatusOr<uint64_t> CountTags(const std::string& folder) {
  uint64_t tags = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("tags") || !name.ends_with(".csv")) continue;
    TM_ASSIGN_OR_RETURN(CsvReader reader, CsvReader::Open(entry.path().string()));
    std::vector<std::string_view> fields;
    for (;;) {
      TM_ASSIGN_OR_RETURN(const bool more, reader.Next(fields));
      if (!more) break;
      ++tags;
    }
  }
  return tags;
}

}  // namespace

absl::StatusOr<Imported> ImportE4(const std::string& folder) {
  std::vector<std::string> files;
  files.reserve(std::size(kRegularFiles) + 1);
  for (const RegularFile& kind : kRegularFiles) files.push_back(fs::path(folder) / kind.file);
  files.push_back(fs::path(folder) / kIbiFile);
  std::erase_if(files, [](const std::string& path) { return !fs::exists(path); });
  if (files.empty()) {
    return absl::NotFoundError(
        fmt::format("{}: holds none of ACC, BVP, EDA, HR, TEMP, IBI (.csv)", folder));
  }
  const std::string participant = CodeOfPath(folder);
  TM_ASSIGN_OR_RETURN(const BootId boot, BootOfFiles("e4/" + participant, files));
  TM_ASSIGN_OR_RETURN(const uint64_t tags, CountTags(folder));
  Imported imported;
  imported.recordings.push_back(
      {.participant_code = participant,
       .device_name = "e4",
       .description = fmt::format("Empatica E4 export, {} files", files.size()),
       .play = [folder, boot](ingest::RecordingSink& sink) { return Play(sink, folder, boot); }});
  if (tags > 0) {
    imported.notes.push_back(fmt::format(
        "empatica-e4 {}: {} tags (button presses) were found and not taken", participant, tags));
  }
  return imported;
}

}  // namespace tidemark::cli
