#include "cli/import/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/cli/import/text_file.h"
#include "tests/support/status_matchers.h"

namespace tidemark::cli {
namespace {

using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using Rows = std::vector<std::vector<std::string>>;

absl::StatusOr<Rows> ReadAll(const std::string& content, char delimiter = ',') {
  support::TempFolder folder;
  auto reader = CsvReader::Open(folder.Write("t.csv", content), delimiter);
  if (!reader.ok()) return reader.status();
  Rows rows;
  std::vector<std::string_view> fields;
  for (;;) {
    const auto more = reader->Next(fields);
    if (!more.ok()) return more.status();
    if (!*more) return rows;
    rows.emplace_back(fields.begin(), fields.end());
  }
}

TEST(CsvReaderTest, ReadsLinesOfEveryKind) {
  TM_ASSERT_OK_AND_ASSIGN(const Rows rows, ReadAll("\xEF\xBB\xBF"
                                                   "a,b\r\n1,\n,2\r\nlast,row"));
  EXPECT_THAT(rows, ElementsAre(ElementsAre("a", "b"), ElementsAre("1", ""), ElementsAre("", "2"),
                                ElementsAre("last", "row")));
}

TEST(CsvReaderTest, EmptyLinesMayOnlyEndTheFile) {
  for (const char* end : {"\n", "\n\n", "\r\n\r\n", "\n\n\n\r\n"}) {
    TM_ASSERT_OK_AND_ASSIGN(const Rows rows, ReadAll(std::string("a\n1") + end));
    EXPECT_THAT(rows, ElementsAre(ElementsAre("a"), ElementsAre("1")));
  }
  for (const char* table : {"a\n\n1\n", "a\r\n\r\n1", "a\n\n\n\n1\n\n"}) {
    EXPECT_THAT(ReadAll(table),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         EndsWith("t.csv:2: the line is empty, and rows follow it")))
        << table;
  }
  EXPECT_THAT(ReadAll("\na\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("t.csv:1: ")));
}

TEST(CsvReaderTest, UnderstandsQuotes) {
  TM_ASSERT_OK_AND_ASSIGN(const Rows rows,
                          ReadAll("\"a;b\";\"say \"\"hi\"\"\";\"\"\n\"two\nlines\";x;y\n", ';'));
  EXPECT_THAT(
      rows, ElementsAre(ElementsAre("a;b", "say \"hi\"", ""), ElementsAre("two\nlines", "x", "y")));
}

TEST(CsvReaderTest, EmptyFileHasNoRows) {
  TM_ASSERT_OK_AND_ASSIGN(const Rows rows, ReadAll(""));
  EXPECT_TRUE(rows.empty());
  TM_ASSERT_OK_AND_ASSIGN(const Rows only_mark, ReadAll("\xEF\xBB\xBF"));
  EXPECT_TRUE(only_mark.empty());
}

TEST(CsvReaderTest, NamesTheLineOfABrokenQuote) {
  EXPECT_THAT(ReadAll("a\nb\n\"c\nd\n"), StatusIs(absl::StatusCode::kInvalidArgument,
                                                  EndsWith("t.csv:3: a quote never ends")));
}

TEST(CsvReaderTest, BoundsARecord) {
  EXPECT_THAT(ReadAll(std::string(kCsvRecordBytesMax + 1, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("1 MiB")));
  EXPECT_THAT(ReadAll(std::string(3 * kCsvRecordBytesMax, 'x') + "\n"),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("1 MiB")));
}

TEST(CsvReaderTest, SurvivesRecordsAcrossReads) {
  std::string content;
  for (int i = 0; i < 100'000; ++i) content += std::to_string(i) + ",x\n";
  TM_ASSERT_OK_AND_ASSIGN(const Rows rows, ReadAll(content));
  ASSERT_EQ(rows.size(), 100'000u);
  for (size_t i = 0; i < rows.size(); ++i) ASSERT_EQ(rows[i][0], std::to_string(i));
}

TEST(CsvReaderTest, RaggedRowNamesLineAndCounts) {
  support::TempFolder folder;
  TM_ASSERT_OK_AND_ASSIGN(CsvReader reader,
                          CsvReader::Open(folder.Write("t.csv", "a,b\n1,2\n3\n")));
  std::vector<std::string_view> fields;
  ASSERT_TRUE(reader.Next(fields).ok());
  ASSERT_TRUE(reader.NextRow(2, fields).ok());
  EXPECT_THAT(reader.NextRow(2, fields),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       EndsWith("t.csv:3: the row has 1 fields, the header has 2")));
}

TEST(CsvReaderTest, MissingFileAndFolderAreNotFound) {
  support::TempFolder folder;
  EXPECT_THAT(CsvReader::Open(folder.path("none.csv")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(CsvReader::Open(folder.path()), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace tidemark::cli
