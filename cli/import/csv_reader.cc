#include "cli/import/csv_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/status_macros.h"

namespace tidemark::cli {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kNone = std::string_view::npos;

// Position of the line end that closes the record at the front of `text`, or kNone.
size_t RecordEnd(std::string_view text) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '\n' && !quoted) return i;
  }
  return kNone;
}

// What follows the quoted field at the front of `text`: the position after its closing quote.
size_t ClosingQuote(std::string_view text, bool& doubled) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] != '"') continue;
    if (i + 1 == text.size() || text[i + 1] != '"') return i;
    doubled = true;
    ++i;
  }
  return text.size();
}

std::string Undouble(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    plain.push_back(text[i]);
    if (text[i] == '"') ++i;
  }
  return plain;
}

}  // namespace

absl::StatusOr<CsvReader> CsvReader::Open(const std::string& path, char delimiter) {
  std::error_code error;
  std::ifstream file(path, std::ios::binary);
  if (!std::filesystem::is_regular_file(path, error) || !file) {
    return absl::NotFoundError(fmt::format("{}: no such file, or it cannot be read", path));
  }
  return CsvReader(path, delimiter, std::move(file));
}

void CsvReader::Refill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const size_t old_size = buffer_.size();
  buffer_.resize(old_size + kReadBytes);
  file_.read(buffer_.data() + old_size, static_cast<std::streamsize>(kReadBytes));
  buffer_.resize(old_size + static_cast<size_t>(file_.gcount()));
  at_end_ = !file_;
  if (at_start_ && std::string_view(buffer_).substr(0, 3) == kByteOrderMark) begin_ = 3;
  at_start_ = false;
}

absl::StatusOr<bool> CsvReader::TakeRecord(std::string_view& record) {
  if (at_start_) Refill();
  for (;;) {
    const std::string_view rest = std::string_view(buffer_).substr(begin_);
    const size_t end = RecordEnd(rest);
    if (end != kNone || at_end_) {
      record = rest.substr(0, end);
      begin_ += std::min(rest.size(), record.size() + 1);
      line_ = next_line_;
      next_line_ += 1 + static_cast<size_t>(std::count(record.begin(), record.end(), '\n'));
      if (record.size() > kCsvRecordBytesMax) return Error("the record is longer than 1 MiB");
      return !rest.empty();
    }
    if (rest.size() > kCsvRecordBytesMax) {
      line_ = next_line_;
      return Error("the record is longer than 1 MiB, or a quote never ends");
    }
    Refill();
  }
}

void CsvReader::Split(std::string_view record, std::vector<std::string_view>& fields) {
  fields.clear();
  unquoted_.clear();
  unquoted_.reserve(static_cast<size_t>(std::count(record.begin(), record.end(), '"')));
  for (size_t from = 0; from != kNone;) {
    std::string_view rest = record.substr(from);
    size_t search = 0;
    std::string_view field;
    if (!rest.empty() && rest[0] == '"') {
      bool doubled = false;
      const size_t close = ClosingQuote(rest, doubled);
      field = rest.substr(1, close - 1);
      if (doubled) field = unquoted_.emplace_back(Undouble(field));
      search = std::min(close + 1, rest.size());
    }
    const size_t end = rest.find(delimiter_, search);
    if (search == 0) field = rest.substr(0, end);
    fields.push_back(field);
    from = end == kNone ? kNone : from + end + 1;
  }
}

absl::StatusOr<bool> CsvReader::Next(std::vector<std::string_view>& fields) {
  for (size_t empty_line = 0;;) {
    std::string_view record;
    TM_ASSIGN_OR_RETURN(const bool more, TakeRecord(record));
    if (!more) return false;
    if (!record.empty() && record.back() == '\r') record.remove_suffix(1);
    if (record.empty()) {
      if (empty_line == 0) empty_line = line_;
      continue;
    }
    if (empty_line != 0) {
      line_ = empty_line;
      return Error("the line is empty, and rows follow it");
    }
    if (std::count(record.begin(), record.end(), '"') % 2 != 0) {
      return Error("a quote never ends");
    }
    Split(record, fields);
    return true;
  }
}

absl::StatusOr<bool> CsvReader::NextRow(size_t count, std::vector<std::string_view>& fields) {
  TM_ASSIGN_OR_RETURN(const bool more, Next(fields));
  if (more && fields.size() != count) {
    return Error(fmt::format("the row has {} fields, the header has {}", fields.size(), count));
  }
  return more;
}

absl::Status CsvReader::Error(std::string_view rule) const {
  return absl::InvalidArgumentError(fmt::format("{}:{}: {}", path_, line_, rule));
}

absl::Status CsvReader::Error(std::string_view column, std::string_view rule) const {
  return absl::InvalidArgumentError(
      fmt::format("{}:{}: column \"{}\": {}", path_, line_, column, rule));
}

}  // namespace tidemark::cli
