#include "cli/sample_printer.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/endian.h"
#include "base/status_macros.h"
#include "cli/output.h"
#include "cli/unreadable_text.h"
#include "core/signal/load_value.h"

namespace tidemark::cli {
namespace {

signal::SampleType TypeOf(const v1::Channel& channel) {
  const int type = channel.type();
  // Of a newer server: no bytes, no value.
  return static_cast<signal::SampleType>(type >= 0 && type <= UINT8_MAX ? type : 0);
}

double ScaleOf(const v1::Channel& channel) { return channel.scale() == 0 ? 1 : channel.scale(); }

// An identity is left out: adding 0 would turn -0.0 into 0.
double Physical(const v1::Channel& channel, double value) {
  if (ScaleOf(channel) != 1) value *= ScaleOf(channel);
  return channel.offset() == 0 ? value : value + channel.offset();
}

// The shortest digits from which the same value is read back.
template <class Number>
std::string Shortest(Number value) {
  char digits[32];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, value);
  return {digits, end.ptr};
}

// JSON has no numbers that are not finite: protobuf's names stand for them.
std::string NotFinite(double value, SampleFormat format) {
  const bool json = format == SampleFormat::kJsonLines;
  if (std::isnan(value)) return json ? "\"NaN\"" : format == SampleFormat::kCsv ? "nan" : "-";
  if (json) return value < 0 ? "\"-Infinity\"" : "\"Infinity\"";
  return value < 0 ? "-inf" : "inf";
}

// Nine digits for the eye; for a program the value itself, a float32 as such.
std::string ValueText(const v1::Channel& channel, const char* at, SampleFormat format) {
  const double raw = signal::LoadValue(TypeOf(channel), at);
  const double value = Physical(channel, raw);
  if (!std::isfinite(value)) return NotFinite(value, format);
  if (format == SampleFormat::kTable) return fmt::format("{:.9g}", value);
  const bool is_physical = ScaleOf(channel) == 1 && channel.offset() == 0;
  if (is_physical && channel.type() == v1::CHANNEL_TYPE_FLOAT32) {
    return Shortest(static_cast<float>(raw));
  }
  return Shortest(value);
}

// As RFC 4180 has it: in quotes where a reader would see more than one cell.
std::string CsvCell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string cell = "\"";
  for (const char c : text) {
    if (c == '"') cell += c;
    cell += c;
  }
  return cell + "\"";
}

}  // namespace

int64_t PlaceOnStudyTime(const v1::ClockPlacement& placement, int64_t device_ns) {
  // Unsigned, so that odd stamps wrap instead of overflowing; they are shown, not computed with.
  const uint64_t since =
      static_cast<uint64_t>(device_ns) - static_cast<uint64_t>(placement.anchor_device_ns());
  const double slope_ns =
      static_cast<double>(static_cast<int64_t>(since)) * placement.rate_ppb() * 1e-9;
  const uint64_t slope =
      std::abs(slope_ns) < 9e18 ? static_cast<uint64_t>(std::llround(slope_ns)) : 0;
  return static_cast<int64_t>(static_cast<uint64_t>(placement.anchor_study_ns()) + since + slope);
}

absl::Status SamplePrinter::Add(const v1::ReadSamplesResponse& response) {
  TM_RETURN_IF_ERROR(Print(response));
  return OutputStatus();
}

absl::Status SamplePrinter::Print(const v1::ReadSamplesResponse& response) {
  switch (response.message_case()) {
    case v1::ReadSamplesResponse::kStream:
      stream_ = response.stream();
      if (format_ != SampleFormat::kJsonLines) PrintHeader();
      return absl::OkStatus();
    case v1::ReadSamplesResponse::kPlacement:
      placements_[{response.placement().boot_id(), response.placement().clock_id()}] =
          response.placement();
      return absl::OkStatus();
    case v1::ReadSamplesResponse::kBlock:
      return AddBlock(response.block());
    case v1::ReadSamplesResponse::kUnreadable:
      AddUnreadable(response.unreadable());
      return absl::OkStatus();
    default:
      return absl::OkStatus();  // of a newer server
  }
}

absl::Status SamplePrinter::AddBlock(const v1::SampleBlock& block) {
  if (!block.encoded().empty()) return AddSegment(block);
  const auto& channels = stream_.declaration().channels();
  size_t row_bytes = 0;
  for (const v1::Channel& channel : channels) row_bytes += signal::BytesOf(TypeOf(channel));
  const size_t count = block.count();
  if (block.stamps_device_ns().size() != count * sizeof(int64_t) ||
      block.values().size() != count * row_bytes) {
    return absl::DataLossError("a block whose sizes contradict its count");
  }
  const auto placed = placements_.find({block.boot_id(), block.clock_id()});
  std::vector<std::string> values(static_cast<size_t>(channels.size()));
  for (size_t i = 0; i < count && !full(); ++i) {
    const char* column = block.values().data();
    for (int c = 0; c < channels.size(); ++c) {
      const size_t bytes = signal::BytesOf(TypeOf(channels[c]));
      values[static_cast<size_t>(c)] = ValueText(channels[c], column + i * bytes, format_);
      column += count * bytes;
    }
    PrintRow(LoadLe<int64_t>(block.stamps_device_ns().data() + i * sizeof(int64_t)),
             placed == placements_.end() ? nullptr : &placed->second, values);
    ++printed_;
  }
  return absl::OkStatus();
}

// An opaque segment is shown by its begin and its size.
absl::Status SamplePrinter::AddSegment(const v1::SampleBlock& block) {
  if (block.stamps_device_ns().size() < sizeof(int64_t)) {
    return absl::DataLossError("a segment without its time range");
  }
  const auto placed = placements_.find({block.boot_id(), block.clock_id()});
  PrintRow(LoadLe<int64_t>(block.stamps_device_ns().data()),
           placed == placements_.end() ? nullptr : &placed->second, {},
           fmt::format("{} bytes", block.encoded().size()));
  ++printed_;
  return absl::OkStatus();
}

void SamplePrinter::AddUnreadable(const v1::UnreadableChunks& chunks) {
  const auto placed = placements_.find({chunks.boot_id(), chunks.clock_id()});
  const std::string line =
      UnreadableLine(chunks, placed == placements_.end() ? nullptr : &placed->second);
  switch (format_) {
    case SampleFormat::kTable:
      PrintData("-- " + line + "\n");
      return;
    case SampleFormat::kCsv:
      if (note_) note_(line);
      return;
    case SampleFormat::kJsonLines:
      PrintData(Json::Object({{"unreadable", ToJson(chunks)}, {"note", line}}).OneLine() + "\n");
      return;
  }
}

void SamplePrinter::PrintHeader() {
  const bool csv = format_ == SampleFormat::kCsv;
  std::string line =
      csv ? "study_time,device_ns" : fmt::format("{:<24}  {:>20}", "STUDY TIME", "DEVICE NS");
  for (const v1::Channel& channel : stream_.declaration().channels()) {
    const std::string title = fmt::format("{} [{}]", channel.name(), channel.unit());
    line += csv ? "," + CsvCell(title) : fmt::format("  {:>14}", title);
  }
  PrintData(line + "\n");
}

void SamplePrinter::PrintRow(int64_t device_ns, const v1::ClockPlacement* placement,
                             const std::vector<std::string>& values, std::string_view note) {
  const std::string time =
      placement == nullptr ? "" : FormatTimeNs(PlaceOnStudyTime(*placement, device_ns));
  if (format_ == SampleFormat::kJsonLines) return PrintJsonRow(device_ns, time, values, note);
  const bool csv = format_ == SampleFormat::kCsv;
  std::string line =
      csv ? fmt::format("{},{}", time, device_ns) : fmt::format("{:<24}  {:>20}", time, device_ns);
  for (const std::string& value : values) {
    line += csv ? "," + value : fmt::format("  {:>14}", value);
  }
  if (!note.empty()) line += fmt::format("{}{}", csv ? "," : "  ", note);
  PrintData(line + "\n");
}

// Values are JSON already: their digits stay as they are.
void SamplePrinter::PrintJsonRow(int64_t device_ns, const std::string& time,
                                 const std::vector<std::string>& values, std::string_view note) {
  std::string line = fmt::format("{{\"study_time\":{},\"device_ns\":{}",
                                 (time.empty() ? Json(nullptr) : Json(time)).OneLine(), device_ns);
  for (size_t c = 0; c < values.size(); ++c) {
    const v1::Channel& channel = stream_.declaration().channels(static_cast<int>(c));
    line += fmt::format(",{}:{}", Json(channel.name()).OneLine(), values[c]);
  }
  if (!note.empty()) line += fmt::format(",\"note\":{}", Json(std::string(note)).OneLine());
  PrintData(line + "}\n");
}

}  // namespace tidemark::cli
