// Tables of any make, as a mapping file says.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/status_macros.h"
#include "cli/import/csv_reader.h"
#include "cli/import/import.h"
#include "cli/import/mapping.h"
#include "cli/import/numbers.h"
#include "cli/import/recorder.h"

namespace tidemark::cli {
namespace {

// Where the columns that a mapping names stand in the table.
struct Layout {
  size_t columns = 0;
  size_t time = 0;
  std::vector<size_t> labels;
  std::vector<std::vector<size_t>> streams;
  std::vector<std::string> extra;  // in the table, but not in the mapping
};

class HeaderIndex {
 public:
  HeaderIndex(const CsvReader& reader, const std::vector<std::string_view>& header)
      : reader_(reader), used_(header.size()) {
    for (const std::string_view name : header) names_.emplace_back(Trim(name));
  }

  absl::StatusOr<size_t> Find(const std::string& column) {
    const auto found = std::find(names_.begin(), names_.end(), column);
    if (found == names_.end()) return reader_.Error(column, "is in the mapping, not in the header");
    if (std::find(found + 1, names_.end(), column) != names_.end()) {
      return reader_.Error(column, "stands in the header more than once");
    }
    const auto index = static_cast<size_t>(found - names_.begin());
    used_[index] = true;
    return index;
  }
  std::vector<std::string> Unused() const {
    std::vector<std::string> unused;
    for (size_t i = 0; i < names_.size(); ++i) {
      if (!used_[i]) unused.push_back(names_[i]);
    }
    return unused;
  }

 private:
  const CsvReader& reader_;
  std::vector<std::string> names_;
  std::vector<bool> used_;
};

absl::StatusOr<Layout> ReadHeader(CsvReader& reader, const Mapping& mapping) {
  std::vector<std::string_view> header;
  TM_ASSIGN_OR_RETURN(const bool any, reader.Next(header));
  if (!any) return reader.Error("the file is empty");
  HeaderIndex index(reader, header);
  Layout layout;
  layout.columns = header.size();
  TM_ASSIGN_OR_RETURN(layout.time, index.Find(mapping.time_column));
  for (const std::string& label : mapping.labels) {
    TM_ASSIGN_OR_RETURN(const size_t column, index.Find(label));
    layout.labels.push_back(column);
  }
  for (const MappedStream& stream : mapping.streams) {
    std::vector<size_t>& columns = layout.streams.emplace_back();
    for (const std::string& name : stream.columns) {
      TM_ASSIGN_OR_RETURN(const size_t column, index.Find(name));
      columns.push_back(column);
    }
  }
  layout.extra = index.Unused();
  return layout;
}

class CsvPlayer {
 public:
  CsvPlayer(ingest::RecordingSink& sink, const Mapping& mapping, const BootId& boot)
      : sink_(sink), mapping_(mapping), boot_(boot) {}

  absl::Status Play(const std::string& path) {
    TM_ASSIGN_OR_RETURN(CsvReader reader, CsvReader::Open(path, mapping_.delimiter));
    TM_ASSIGN_OR_RETURN(layout_, ReadHeader(reader, mapping_));
    std::vector<std::string_view> fields;
    for (;;) {
      TM_ASSIGN_OR_RETURN(const bool more, reader.NextRow(layout_.columns, fields));
      if (!more) break;
      TM_RETURN_IF_ERROR(AddRow(reader, fields));
    }
    if (runs_.empty()) return reader.HeaderOnlyError();
    for (RunBuilder& run : runs_) TM_RETURN_IF_ERROR(run.FlushExact());
    return absl::OkStatus();
  }

 private:
  absl::Status Begin(int64_t at_ns) {
    TM_RETURN_IF_ERROR(BeginWallClockBoot(sink_, boot_, at_ns));
    for (const MappedStream& stream : mapping_.streams) {
      TM_ASSIGN_OR_RETURN(const int handle, sink_.DeclareStream(stream.name, stream.declaration));
      runs_.emplace_back(sink_, handle, stream.columns.size());
    }
    return absl::OkStatus();
  }

  // The cell with '.' as the decimal point; the view lives until the next call.
  std::string_view WithPoint(std::string_view cell) {
    if (mapping_.decimal_point == '.') return cell;
    plain_ = cell;
    for (char& c : plain_) {
      // A point in a table with decimal commas would be a thousands separator: no number.
      c = c == ',' ? '.' : (c == '.' ? '?' : c);
    }
    return plain_;
  }

  absl::StatusOr<int64_t> StampNs(const CsvReader& reader, std::string_view cell) {
    const auto time_ns = ParseScaledDecimal(WithPoint(cell), mapping_.time_digits);
    int64_t stamp_ns = 0;
    if (!time_ns || __builtin_add_overflow(*time_ns, mapping_.time_origin_ns, &stamp_ns)) {
      return reader.Error(mapping_.time_column, fmt::format("\"{}\" is no time", cell));
    }
    return stamp_ns;
  }

  absl::Status AddRow(const CsvReader& reader, const std::vector<std::string_view>& fields) {
    TM_ASSIGN_OR_RETURN(const int64_t stamp_ns, StampNs(reader, fields[layout_.time]));
    if (runs_.empty()) TM_RETURN_IF_ERROR(Begin(stamp_ns));
    for (size_t i = 0; i < runs_.size(); ++i) {
      if (Skips(i, fields)) continue;
      if (runs_[i].IsFull(stamp_ns)) TM_RETURN_IF_ERROR(runs_[i].FlushExact());
      runs_[i].AddStamp(stamp_ns);
      TM_RETURN_IF_ERROR(AddSample(reader, i, fields));
    }
    return absl::OkStatus();
  }

  bool Skips(size_t stream, const std::vector<std::string_view>& fields) const {
    if (!mapping_.streams[stream].skip_missing_rows) return false;
    const std::vector<size_t>& columns = layout_.streams[stream];
    return std::all_of(columns.begin(), columns.end(),
                       [&](size_t column) { return mapping_.IsMissing(fields[column]); });
  }

  absl::Status AddSample(const CsvReader& reader, size_t stream,
                         const std::vector<std::string_view>& fields) {
    const MappedStream& mapped = mapping_.streams[stream];
    for (size_t channel = 0; channel < mapped.columns.size(); ++channel) {
      const std::string_view cell = fields[layout_.streams[stream][channel]];
      const auto type = mapped.declaration.channels(static_cast<int>(channel)).type();
      const absl::Status added = AddCell(type, cell, channel, runs_[stream]);
      if (!added.ok()) return reader.Error(mapped.columns[channel], std::string(added.message()));
    }
    return absl::OkStatus();
  }

  absl::Status AddCell(v1::ChannelType type, std::string_view cell, size_t channel,
                       RunBuilder& run) {
    switch (type) {
      case v1::CHANNEL_TYPE_INT16:
        return AddNumber<int16_t>(cell, "16-bit integer", channel, run);
      case v1::CHANNEL_TYPE_INT32:
        return AddNumber<int32_t>(cell, "32-bit integer", channel, run);
      case v1::CHANNEL_TYPE_FLOAT32:
        return AddNumber<float>(cell, "number", channel, run);
      default:
        return AddNumber<double>(cell, "number", channel, run);
    }
  }

  template <class T>
  absl::Status AddNumber(std::string_view cell, std::string_view kind, size_t channel,
                         RunBuilder& run) {
    if (mapping_.IsMissing(cell)) {
      if constexpr (std::numeric_limits<T>::has_quiet_NaN) {
        run.AddValue(channel, std::numeric_limits<T>::quiet_NaN());
        return absl::OkStatus();
      }
      return absl::InvalidArgumentError(
          fmt::format("\"{}\" stands for no value, which a {} cannot say", cell, kind));
    }
    const auto value = ParseNumber<T>(WithPoint(cell));
    if (!value) return absl::InvalidArgumentError(fmt::format("\"{}\" is no {}", cell, kind));
    run.AddValue(channel, *value);
    return absl::OkStatus();
  }

  ingest::RecordingSink& sink_;
  const Mapping& mapping_;
  BootId boot_;
  Layout layout_;
  std::vector<RunBuilder> runs_;  // one per stream, once the first stamp is known
  std::string plain_;
};

absl::StatusOr<uint64_t> CountCsvLabels(CsvReader& reader, const Mapping& mapping,
                                        const Layout& layout) {
  uint64_t labels = 0;
  std::vector<std::string_view> fields;
  while (!layout.labels.empty()) {
    TM_ASSIGN_OR_RETURN(const bool more, reader.NextRow(layout.columns, fields));
    if (!more) break;
    for (const size_t column : layout.labels) labels += !mapping.IsMissing(fields[column]);
  }
  return labels;
}

}  // namespace

absl::StatusOr<Imported> ImportCsv(const std::string& csv_file, const std::string& mapping_file) {
  TM_ASSIGN_OR_RETURN(const Mapping mapping, ReadMapping(mapping_file));
  TM_ASSIGN_OR_RETURN(CsvReader reader, CsvReader::Open(csv_file, mapping.delimiter));
  TM_ASSIGN_OR_RETURN(const Layout layout, ReadHeader(reader, mapping));
  TM_ASSIGN_OR_RETURN(const uint64_t labels, CountCsvLabels(reader, mapping, layout));
  TM_ASSIGN_OR_RETURN(const BootId boot, BootOfFiles("csv/" + mapping.device, {csv_file}));
  Imported imported;
  imported.recordings.push_back(
      {.participant_code = mapping.participant,
       .device_name = mapping.device,
       .description = fmt::format("CSV, {} streams", mapping.streams.size()),
       .play = [csv_file, mapping, boot](ingest::RecordingSink& sink) {
         return CsvPlayer(sink, mapping, boot).Play(csv_file);
       }});
  for (const std::string& column : layout.extra) {
    imported.notes.push_back(fmt::format("column \"{}\" is not in the mapping: not taken", column));
  }
  if (labels > 0) imported.notes.push_back(LabelNote(labels, ""));
  return imported;
}

}  // namespace tidemark::cli
