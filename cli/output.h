// What a command says: data to stdout, everything else to stderr.
#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/format_count.h"
#include "cli/json.h"
#include "google/protobuf/timestamp.pb.h"

namespace tidemark::cli {

// Rows of text under headings; columns of numbers are aligned to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}
  // As many cells as there are headings.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  std::string Format() const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

// To stdout, as it is. After an error of stdout nothing more is written: what is there has no
// holes.
void PrintData(std::string_view text);
void PrintJson(const Json& json);
void PrintJson(const google::protobuf::Message& message);  // as ToJson has it
void PrintError(std::string_view message, std::string_view hint);

// The first error that stdout met, for those who print for long and should stop then: ReaderGone()
// of cli/exit_code.h for a pipe that nobody reads any more, else FileError. Thread-safe.
absl::Status OutputStatus();
// The same after everything printed so far was handed to the system.
absl::Status FlushOutput();

std::string FormatTime(const google::protobuf::Timestamp& time);
std::string FormatTimeNs(int64_t t_ns);
std::string FormatBytes(double bytes);   // 12.3 MB
std::string FormatSpan(double seconds);  // 1.5 h, 12 min, 3.2 s

}  // namespace tidemark::cli
