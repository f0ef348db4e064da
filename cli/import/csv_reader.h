// Reads delimited text, one record at a time, in bounded memory (RFC 4180 and what is met outside).
#pragma once

#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tidemark::cli {

// A longer record is not a table, or its quotes are broken.
inline constexpr size_t kCsvRecordBytesMax = 1 << 20;

// Takes a byte order mark (UTF-8), LF or CRLF, fields in double quotes with "" inside, and a last
// record without a line end. Empty lines may end the file; one before another record is an error,
// as nobody can say whether it stands for a row.
class CsvReader {
 public:
  // NOT_FOUND if there is no such regular file.
  static absl::StatusOr<CsvReader> Open(const std::string& path, char delimiter = ',');

  // Reads the next record into `fields`, whose views live until the next call; false at the end.
  // INVALID_ARGUMENT on a record that is too long, a quote that never ends, or an empty line before
  // a record.
  absl::StatusOr<bool> Next(std::vector<std::string_view>& fields);
  // As Next, but another number of fields than `count` is INVALID_ARGUMENT (a ragged row).
  absl::StatusOr<bool> NextRow(size_t count, std::vector<std::string_view>& fields);

  // Line on which the last record began, from 1.
  size_t line() const { return line_; }
  // INVALID_ARGUMENT "file:line: rule", for what is wrong with the last record.
  absl::Status Error(std::string_view rule) const;
  // The same, naming a column.
  absl::Status Error(std::string_view column, std::string_view rule) const;
  // The error of a table that ends where its rows should begin.
  absl::Status HeaderOnlyError() const { return Error("the file holds a header and no rows"); }

 private:
  CsvReader(std::string path, char delimiter, std::ifstream file)
      : path_(std::move(path)), delimiter_(delimiter), file_(std::move(file)) {}

  // Finds the end of the record at begin_, reading more of the file as needed; false when none is
  // left.
  absl::StatusOr<bool> TakeRecord(std::string_view& record);
  void Refill();
  void Split(std::string_view record, std::vector<std::string_view>& fields);

  std::string path_;
  char delimiter_;
  std::ifstream file_;
  std::string buffer_;
  size_t begin_ = 0;  // of what is not yet consumed
  bool at_end_ = false;
  bool at_start_ = true;
  size_t line_ = 0;
  size_t next_line_ = 1;
  std::vector<std::string> unquoted_;  // fields that had "" inside
};

}  // namespace tidemark::cli
