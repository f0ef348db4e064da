#include "cli/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include "cli/exit_code.h"
#include "ingest/client/durable_file.h"

namespace tidemark::cli {
namespace {

// errno of the first write to stdout that failed.
std::atomic<int> output_error = 0;

void NoteOutputError(int error) {
  int none = 0;
  output_error.compare_exchange_strong(none, error);
}

bool LooksNumeric(std::string_view cell) {
  return !cell.empty() && cell.find_first_not_of("0123456789.,-+%") == std::string_view::npos;
}

// The number of characters that a UTF-8 text shows.
size_t WidthOf(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xC0u) != 0x80u; }));
}

std::string Pad(std::string_view text, size_t width, bool right) {
  const size_t shown = WidthOf(text);
  std::string padded(text);
  if (shown < width) padded.insert(right ? 0 : padded.size(), width - shown, ' ');
  return padded;
}

}  // namespace

std::string Table::Format() const {
  std::string text;
  std::vector<size_t> widths;
  std::vector<bool> right;
  for (size_t c = 0; c < headings_.size(); ++c) {
    size_t width = WidthOf(headings_[c]);
    bool numeric = !rows_.empty();
    for (const auto& row : rows_) {
      width = std::max(width, WidthOf(row[c]));
      numeric = numeric && LooksNumeric(row[c]);
    }
    widths.push_back(width);
    right.push_back(numeric);
  }
  const auto add = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t c = 0; c < cells.size(); ++c) {
      if (c > 0) line += "  ";
      line += Pad(cells[c], widths[c], right[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add(headings_);
  for (const auto& row : rows_) add(row);
  return text;
}

void PrintData(std::string_view text) {
  if (output_error != 0) return;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) NoteOutputError(errno);
}

void PrintJson(const Json& json) { PrintData(json.Indented() + "\n"); }

void PrintJson(const google::protobuf::Message& message) { PrintJson(ToJson(message)); }

void PrintError(std::string_view message, std::string_view hint) {
  (void)FlushOutput();  // stays noted for the end of the command
  fmt::print(stderr, "tidemark: {}{}{}\n", message, hint.empty() ? "" : "; ", hint);
}

absl::Status OutputStatus() {
  const int error = output_error;
  if (error == 0) return absl::OkStatus();
  return error == EPIPE ? ReaderGone() : ingest::FileError("write", "stdout", error);
}

absl::Status FlushOutput() {
  if (std::fflush(stdout) != 0) NoteOutputError(errno);
  return OutputStatus();
}

std::string FormatTime(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

std::string FormatTimeNs(int64_t t_ns) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixNanos(t_ns), absl::UTCTimeZone());
}

std::string FormatBytes(double bytes) {
  if (bytes < 1e3) return fmt::format("{:.0f} B", bytes);
  if (bytes < 1e6) return fmt::format("{:.1f} kB", bytes / 1e3);
  if (bytes < 1e9) return fmt::format("{:.1f} MB", bytes / 1e6);
  return fmt::format("{:.2f} GB", bytes / 1e9);
}

std::string FormatSpan(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  if (seconds < 3600) return fmt::format("{:.1f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

}  // namespace tidemark::cli
