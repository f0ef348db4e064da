#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
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

constexpr char kMapping[] = R"({
  "participant": "p1", "device": "band",
  "time": {"column": "t", "unit": "ms"},
  "missing": ["", "NA"],
  "labels": ["activity"],
  "streams": [
    {"name": "acc", "modality": "acceleration", "rate": "50",
     "channels": [{"column": "ax", "name": "x", "unit": "m/s2", "type": "float32"},
                  {"column": "ay", "name": "y", "unit": "m/s2", "type": "float32"}],
     "frame": {"axes": "+x +y +z", "rest_sign": "-g"},
     "placement": {"body_site": "wrist", "side": "left"}},
    {"name": "steps", "modality": "step_count", "rate": "1/60", "skip_missing_rows": true,
     "channels": [{"column": "steps", "unit": "1", "type": "int32"}]}
  ]
})";

constexpr char kTable[] =
    "t,ax,ay,steps,activity,note\n"
    "1000,0.5,NA,,walk,hello\n"
    "1020,1.5,2,7,,\"quoted, text\"\n";

absl::StatusOr<Imported> Import(const TempFolder& folder, std::string_view table,
                                std::string_view mapping) {
  return ImportCsv(folder.Write("t.csv", table), folder.Write("m.json", mapping));
}

absl::Status PlayCsv(std::string_view table, std::string_view mapping, RememberingSink& sink) {
  TempFolder folder;
  const auto imported = Import(folder, table, mapping);
  if (!imported.ok()) return imported.status();
  return imported->recordings[0].play(sink);
}
absl::Status PlayCsv(std::string_view table, std::string_view mapping = kMapping) {
  RememberingSink sink;
  return PlayCsv(table, mapping, sink);
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

auto InvalidCsv(const char* text) {
  return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
}

TEST(CsvTest, MapsColumnsToStreams) {
  TempFolder folder;
  TM_ASSERT_OK_AND_ASSIGN(const Imported imported, Import(folder, kTable, kMapping));
  EXPECT_THAT(imported.notes, ElementsAre(HasSubstr("column \"note\" is not in the mapping"),
                                          HasSubstr("1 label was found and not taken")));
  EXPECT_EQ(imported.recordings[0].participant_code, "p1");
  EXPECT_EQ(imported.recordings[0].device_name, "band");
  RememberingSink sink;
  ASSERT_THAT(imported.recordings[0].play(sink), IsOk());
  const auto& acc = sink.stream("acc");
  EXPECT_THAT(acc.stamps(), ElementsAre(1'000'000'000, 1'020'000'000));
  EXPECT_THAT(acc.channel<float>(0), ElementsAre(0.5f, 1.5f));
  EXPECT_TRUE(std::isnan(acc.channel<float>(1)[0]));
  EXPECT_EQ(acc.declaration.frame().rest_sign(), v1::REST_SIGN_MINUS_G);
  EXPECT_EQ(acc.declaration.placement().side(), "left");
  EXPECT_EQ(acc.declaration.nominal_rate().numerator(), 50u);
  const auto& steps = sink.stream("steps");
  EXPECT_THAT(steps.stamps(), ElementsAre(1'020'000'000));
  EXPECT_THAT(steps.channel<int32_t>(0), ElementsAre(7));
  EXPECT_EQ(steps.declaration.nominal_rate().denominator(), 60u);
}

TEST(CsvTest, ReadsTablesFromElsewhere) {
  constexpr char kElsewhere[] = R"({
    "participant": "p1", "device": "band", "delimiter": ";", "decimal_point": ",",
    "time": {"column": "zeit", "unit": "s", "origin": "2026-01-31T09:00:00Z"},
    "streams": [{"name": "temp", "modality": "skin_temperature",
                 "channels": [{"column": "grad", "unit": "Cel"}]}]})";
  RememberingSink sink;
  ASSERT_THAT(PlayCsv("\xEF\xBB\xBF"
                      "zeit;grad\r\n0,25;\"31,5\"\r\n0,5;-2\r\n",
                      kElsewhere, sink),
              IsOk());
  EXPECT_THAT(sink.stream("temp").channel<double>(0), ElementsAre(31.5, -2));
  EXPECT_EQ(sink.stream("temp").stamps()[0], 1'769'850'000'250'000'000);
  EXPECT_THAT(PlayCsv("zeit;grad\n1.000,5;2\n", kElsewhere), InvalidCsv("column \"zeit\""));
}

TEST(CsvTest, PlayingTwiceGivesTheSameBytes) {
  RememberingSink first, second;
  ASSERT_THAT(PlayCsv(kTable, kMapping, first), IsOk());
  ASSERT_THAT(PlayCsv(kTable, kMapping, second), IsOk());
  EXPECT_EQ(first.log, second.log);
}

TEST(CsvTest, NamesFileLineColumnAndRule) {
  EXPECT_THAT(PlayCsv(""), InvalidCsv("the file is empty"));
  EXPECT_THAT(PlayCsv("t,ax,ay,steps,activity\n"), InvalidCsv("a header and no rows"));
  EXPECT_THAT(PlayCsv("t,ax,ay,activity\n1,2,3,4\n"),
              InvalidCsv("t.csv:1: column \"steps\": is in the mapping, not in the header"));
  EXPECT_THAT(PlayCsv("t,ax,ay,steps,activity,ax\n"), InvalidCsv("more than once"));
  EXPECT_THAT(PlayCsv("t,ax,ay,steps,activity\n1,2,3,4,5\n1,2,3\n"),
              InvalidCsv("t.csv:3: the row has 3"));
  EXPECT_THAT(PlayCsv("t,ax,ay,steps,activity\n1,2,3,4,5\n2,oops,3,4,5\n"),
              InvalidCsv("t.csv:3: column \"ax\": \"oops\" is no number"));
  EXPECT_THAT(PlayCsv("t,ax,ay,steps,activity\n1,2,3,4.5,5\n"),
              InvalidCsv("column \"steps\": \"4.5\" is no 32-bit integer"));
  EXPECT_THAT(PlayCsv("t,ax,ay,steps,activity\nsoon,2,3,4,5\n"), InvalidCsv("\"soon\" is no time"));
  // 2^63 ns, in milliseconds.
  EXPECT_THAT(PlayCsv("t,ax,ay,steps,activity\n9223372036854.775808,2,3,4,5\n"),
              InvalidCsv("\"9223372036854.775808\" is no time"));
  const std::string strict = Replaced(kMapping, "\"skip_missing_rows\": true,", "");
  EXPECT_THAT(PlayCsv(kTable, strict),
              InvalidCsv("t.csv:2: column \"steps\": \"\" stands for no value"));
}

TEST(CsvTest, LongRecordingsAreCutIntoRuns) {
  std::string table = "t,ax,ay,steps,activity\n";
  for (int i = 0; i < 3; ++i) table += std::to_string(i * 601'000) + ",1,2,,\n";
  RememberingSink sink;
  ASSERT_THAT(PlayCsv(table, kMapping, sink), IsOk());
  EXPECT_EQ(sink.stream("acc").runs.size(), 3u);
  EXPECT_EQ(sink.stream("acc").runs[2].first_counter, 2u);
}

TEST(MappingTest, SaysWhatIsWrong) {
  EXPECT_THAT(PlayCsv(kTable, "{"), InvalidCsv("m.json"));
  EXPECT_THAT(PlayCsv(kTable, "[]"), InvalidCsv("must be an object"));
  EXPECT_THAT(PlayCsv(kTable, Replaced(kMapping, "\"unit\": \"ms\"", "\"unit\": \"min\"")),
              InvalidCsv("must be s, ms, us or ns"));
  EXPECT_THAT(PlayCsv(kTable, Replaced(kMapping, "acceleration", "acceleratoin")),
              InvalidCsv("streams[0]: \"acceleratoin\" is no modality"));
  EXPECT_THAT(PlayCsv(kTable, Replaced(kMapping, "\"float32\"", "\"float\"")),
              InvalidCsv("streams[0].channels[0]: type \"float\""));
  EXPECT_THAT(PlayCsv(kTable, Replaced(kMapping, "\"labels\"", "\"label\"")),
              InvalidCsv("unknown key \"label\""));
  EXPECT_THAT(PlayCsv(kTable, Replaced(kMapping, "\"1/60\"", "\"1/0\"")), InvalidCsv("\"rate\""));
  EXPECT_THAT(PlayCsv(kTable, Replaced(kMapping, "\"-g\"", "\"g\"")), InvalidCsv("rest_sign"));
  EXPECT_THAT(PlayCsv(kTable, Replaced(kMapping, "\"steps\"", "\"acc\"")),
              InvalidCsv("two streams"));
  EXPECT_THAT(PlayCsv(kTable, R"({"participant": "p", "device": "d", "streams": []})"),
              InvalidCsv("is missing"));
  TempFolder folder;
  EXPECT_THAT(ImportCsv(folder.Write("t.csv", kTable), folder.path("none.json")),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace tidemark::cli
