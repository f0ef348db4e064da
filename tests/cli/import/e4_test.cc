#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cli/import/import.h"
#include "tests/cli/import/remembering_sink.h"
#include "tests/cli/import/text_file.h"
#include "tests/support/status_matchers.h"

namespace tidemark::cli {
namespace {

using support::IsOk;
using support::RememberingSink;
using support::StatusIs;
using support::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::Status PlayE4(const TempFolder& folder, RememberingSink& sink) {
  const auto imported = ImportE4(folder.path("S01"));
  if (!imported.ok()) return imported.status();
  return imported->recordings[0].play(sink);
}

TEST(E4Test, ReadsEveryStream) {
  TempFolder folder;
  folder.Write("S01/ACC.csv",
               "100.000000, 100.000000, 100.000000\n32.0, 32.0, 32.0\n-2,43,43\n1,2,3\n");
  folder.Write("S01/BVP.csv", "100\n64\n0\n-12.75\n7.5\n");
  folder.Write("S01/HR.csv", "110.000000\n1.000000\n83.00\n");
  folder.Write("S01/IBI.csv", "100.000000, IBI\n35.484375,0.890625\n");
  folder.Write("S01/tags_S01.csv", "150\r\n160\r\n");
  TM_ASSERT_OK_AND_ASSIGN(const Imported imported, ImportE4(folder.path("S01")));
  EXPECT_THAT(imported.notes, ElementsAre(HasSubstr("2 tags")));
  RememberingSink sink;
  ASSERT_THAT(imported.recordings[0].play(sink), IsOk());

  const auto& acc = sink.stream("acc");
  EXPECT_THAT(acc.channel<int16_t>(0), ElementsAre(-2, 1));
  EXPECT_THAT(acc.channel<int16_t>(2), ElementsAre(43, 3));
  EXPECT_EQ(acc.declaration.channels(1).scale(), 0.015625);
  EXPECT_EQ(acc.declaration.channels(1).unit(), "[g]");
  EXPECT_THAT(acc.stamps(), ElementsAre(100'000'000'000, 100'031'250'000));
  EXPECT_THAT(sink.stream("bvp").channel<double>(0), ElementsAre(0, -12.75, 7.5));
  EXPECT_EQ(sink.stream("bvp").declaration.nominal_rate().numerator(), 64u);
  EXPECT_THAT(sink.stream("hr").stamps(), ElementsAre(110'000'000'000));
  EXPECT_THAT(sink.stream("ibi").stamps(), ElementsAre(135'484'375'000));
  EXPECT_THAT(sink.stream("ibi").channel<double>(0), ElementsAre(0.890625));
  ASSERT_EQ(sink.boots.size(), 1u);
  EXPECT_EQ(sink.boots[0].second.wall_ns(), 100'000'000'000);
}

TEST(E4Test, StampsDoNotDriftAcrossChunks) {
  TempFolder folder;
  std::string rows = "100\n3\n";
  constexpr int kRows = 5000;  // more than five minutes at 3 Hz
  for (int i = 0; i < kRows; ++i) rows += std::to_string(i) + "\n";
  folder.Write("S01/EDA.csv", rows);
  RememberingSink sink;
  ASSERT_THAT(PlayE4(folder, sink), IsOk());
  const auto& eda = sink.stream("eda");
  EXPECT_GT(eda.runs.size(), 1u);
  for (const auto& run : eda.runs) {
    const auto begin = static_cast<int64_t>(run.first_counter);
    const auto end = begin + static_cast<int64_t>(run.stamps.size()) - 1;
    EXPECT_EQ(run.stamps.first_ns(), 100'000'000'000 + begin * 1'000'000'000 / 3);
    EXPECT_EQ(run.stamps.last_ns(), 100'000'000'000 + end * 1'000'000'000 / 3);
  }
  const auto values = eda.channel<double>(0);
  ASSERT_EQ(values.size(), static_cast<size_t>(kRows));
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], static_cast<double>(i));
}

TEST(E4Test, RefusesBrokenFiles) {
  const auto played = [](const std::string& file, const std::string& content) {
    TempFolder folder;
    folder.Write("S01/" + file, content);
    RememberingSink sink;
    return PlayE4(folder, sink);
  };
  const auto invalid = [](const char* text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(played("BVP.csv", ""), invalid("ends before its start time"));
  EXPECT_THAT(played("BVP.csv", "100\n"), invalid("ends before its sample rate"));
  EXPECT_THAT(played("BVP.csv", "100\n64\n"), invalid("BVP.csv:3: the file holds a header and no"));
  EXPECT_THAT(played("BVP.csv", "100\n64\n\n"), invalid("holds a header and no rows"));
  EXPECT_THAT(played("IBI.csv", "100, IBI\n"), support::IsOk());  // no beat was found
  EXPECT_THAT(played("BVP.csv", "100\n0\n1\n"), invalid("sample rate"));
  EXPECT_THAT(played("BVP.csv", "100\n64\nx\n"), invalid("BVP.csv:3: \"x\""));
  EXPECT_THAT(played("ACC.csv", "100, 100, 101\n32, 32, 32\n"), invalid("of all columns"));
  EXPECT_THAT(played("ACC.csv", "100,100,100\n32,32,32\n1,2\n"), invalid("has 2 fields"));
  EXPECT_THAT(played("ACC.csv", "100,100,100\n32,32,32\n1,2,3.5\n"), invalid("16-bit"));
  EXPECT_THAT(played("IBI.csv", "IBI\n1,2\n"), invalid("first row"));
  EXPECT_THAT(played("IBI.csv", "100, IBI\n1,x\n"), invalid("IBI.csv:2"));
}

TEST(E4Test, AnEmptyLineIsAMissingSample) {
  const auto played = [](const std::string& file, const std::string& rows, RememberingSink& sink) {
    TempFolder folder;
    folder.Write("S01/" + file, rows);
    return PlayE4(folder, sink);
  };
  RememberingSink sink;
  for (const char* rows : {"100\n64\n1\n\n3\n", "100\r\n64\r\n1\r\n\r\n3\r\n", "100\n64\n1\n\n\n3",
                           "100\n64\n1\n \n3\n", "100\n64\n1\n\"\"\n3\n"}) {
    EXPECT_THAT(played("EDA.csv", rows, sink),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("EDA.csv:4: ")))
        << rows;
  }
  EXPECT_THAT(played("ACC.csv", "1,1,1\n32,32,32\n\n1,2,3\n", sink),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ACC.csv:3: the line is")));
  EXPECT_THAT(sink.stream("eda").runs, ::testing::IsEmpty());
  ASSERT_THAT(played("EDA.csv", "100\n64\n1\n2\n3\n\n", sink), IsOk());
  EXPECT_THAT(sink.stream("eda").channel<double>(0), ElementsAre(1, 2, 3));
}

TEST(E4Test, FolderWithoutFilesIsNotFound) {
  TempFolder folder;
  EXPECT_THAT(ImportE4(folder.path()), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace tidemark::cli
