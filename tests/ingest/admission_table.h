// The table of docs/upload.md, "Every rule of admission", as rows.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace tidemark::ingest {

// Cells as they stand there, without the words for people.
struct AdmissionRow {
  std::string rule;
  std::string where;    // envelope, body, catalog, payload or writer
  std::string outcome;  // without OUTCOME_, and so on
  std::string action;
  std::string reason;
  std::string settles;  // yes, no, or was: settled before
};

namespace internal {

inline std::string TrimCell(const std::string& text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

inline AdmissionRow ParseAdmissionRow(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream stream(line.substr(1));
  for (std::string cell; std::getline(stream, cell, '|');) cells.push_back(TrimCell(cell));
  EXPECT_EQ(cells.size(), 7u) << line;
  cells.resize(7);
  return {cells[0], cells[2], cells[3], cells[4], cells[5], cells[6]};
}

}  // namespace internal

// In the order of the page. Never empty: a table that is not found fails the test.
inline std::vector<AdmissionRow> ReadAdmissionTable() {
  const char* source_dir = std::getenv("TIDEMARK_SOURCE_DIR");
  const auto root = source_dir != nullptr
                        ? std::filesystem::path(source_dir)
                        : std::filesystem::path(__FILE__).parent_path() / ".." / "..";
  std::ifstream page(root / "docs" / "upload.md");
  std::vector<AdmissionRow> rows;
  bool in_table = false;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("| rule |", 0) == 0) {
      in_table = true;
    } else if (in_table && line.empty()) {
      break;
    } else if (in_table && line.rfind("|---", 0) != 0) {
      rows.push_back(internal::ParseAdmissionRow(line));
    }
  }
  EXPECT_FALSE(rows.empty()) << "docs/upload.md has no table of rules";
  return rows;
}

}  // namespace tidemark::ingest
