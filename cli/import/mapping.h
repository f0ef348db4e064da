// How the columns of a table become streams: the mapping file of the CSV importer (docs/import.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tidemark/v1/stream.pb.h"

namespace tidemark::cli {

struct MappedStream {
  std::string name;
  v1::StreamDeclaration declaration;
  std::vector<std::string> columns;  // of the table, one per channel
  // Leave out the rows in which every column of this stream is missing: a table that holds streams
  // of several rates.
  bool skip_missing_rows = false;
};

struct Mapping {
  std::string participant;
  std::string device;
  char delimiter = ',';
  char decimal_point = '.';
  std::vector<std::string> missing = {""};  // cells that stand for no value
  std::string time_column;
  int time_digits = 0;              // decimal places from the time column's unit to nanoseconds
  int64_t time_origin_ns = 0;       // added to what the column says
  std::vector<std::string> labels;  // columns that are counted and not taken
  std::vector<MappedStream> streams;

  bool IsMissing(std::string_view cell) const;
};

// INVALID_ARGUMENT "file: place: rule" on anything that is not understood, unknown keys included.
absl::StatusOr<Mapping> ParseMapping(const std::string& text, const std::string& file);
// The same from a file of at most 1 MiB. NOT_FOUND if it cannot be read.
absl::StatusOr<Mapping> ReadMapping(const std::string& file);

}  // namespace tidemark::cli
