#include "cli/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <sstream>
#include <type_traits>

#include "base/endian.h"
#include "cli/exit_code.h"
#include "cli/progress.h"
#include "cli/sample_printer.h"
#include "cli/time_option.h"
#include "cli/unreadable_text.h"
#include "tests/support/status_matchers.h"
#include "tidemark/v1/study.pb.h"

namespace tidemark::cli {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;

TEST(Table, AlignsTextLeftAndNumbersRight) {
  Table table({"NAME", "COUNT"});
  table.AddRow({"a", "1,234"});
  table.AddRow({"longer", "5"});
  EXPECT_EQ(table.Format(),
            "NAME    COUNT\n"
            "a       1,234\n"
            "longer      5\n");
}

TEST(Table, CountsCharactersAndNotBytes) {
  Table table({"N", "X"});
  table.AddRow({"µ", "b"});
  EXPECT_EQ(table.Format(), "N  X\nµ  b\n");
}

TEST(Format, ReadsWell) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(1234567), "1,234,567");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatBytes(12), "12 B");
  EXPECT_EQ(FormatBytes(12'345'678), "12.3 MB");
  EXPECT_EQ(FormatSpan(90), "1.5 min");
  EXPECT_EQ(FormatTimeNs(1'640'995'200'500'000'000), "2022-01-01T00:00:00.500Z");
}

TEST(Json, HasEveryFieldUnderItsProtoName) {
  v1::Study study;
  study.set_study_id("id");
  EXPECT_THAT(ToJson(study).OneLine(), ::testing::StartsWith(R"({"study_id":"id","name":"")"));
}

TEST(Json, IsWrittenInTheOrderItWasPutTogether) {
  Json list = Json::Array();
  list.Append(uint64_t{18'446'744'073'709'551'615u});
  list.Append(int64_t{-1});
  Json object = Json::Object({{"z", true}, {"a", nullptr}, {"text", "x\"y"}, {"half", 0.5}});
  object.Set("list", std::move(list));
  object.Set("z", std::vector<std::string>{"p", "q"});
  object.Set("nan", std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(object.OneLine(), R"({"z":["p","q"],"a":null,"text":"x\"y","half":0.5,)"
                              R"("list":[18446744073709551615,-1],"nan":null})");
  EXPECT_EQ(object.Member("half").OneLine(), "0.5");
  EXPECT_EQ(object.Member("none").OneLine(), "null");
  EXPECT_EQ(Json::Object({{"a", 1}}).Indented(), "{\n  \"a\": 1\n}");
  EXPECT_EQ(Json("\xff").OneLine(), "\"\xef\xbf\xbd\"");
}

TEST(ParseInstant, TakesTextAndNanoseconds) {
  EXPECT_THAT(ParseInstant("from", "2022-01-01T00:00:00Z"),
              IsOkAndHolds(1'640'995'200'000'000'000));
  EXPECT_THAT(ParseInstant("from", "2022-01-01T01:00:00+01:00"),
              IsOkAndHolds(1'640'995'200'000'000'000));
  EXPECT_THAT(ParseInstant("from", "-5"), IsOkAndHolds(-5));
  EXPECT_THAT(ParseInstant("from", "yesterday"),
              StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr("from")));
}

v1::ReadSamplesResponse Erased() {
  v1::ReadSamplesResponse response;
  v1::UnreadableChunks& chunks = *response.mutable_unreadable();
  chunks.set_reason(v1::UNREADABLE_REASON_ERASED);
  chunks.set_writer_id("w");
  chunks.set_boot_id("b");
  chunks.set_first_number(3);
  chunks.set_last_number(5);
  chunks.set_samples(30);
  chunks.mutable_device_range()->set_end_ns(1'000'000'000);
  return response;
}

TEST(SamplePrinter, SaysInEveryFormatWhatCannotBeRead) {
  v1::ReadSamplesResponse placement;
  placement.mutable_placement()->set_boot_id("b");
  const std::string line =
      "cannot be read (erased): chunks 3 to 5 of writer w, 30 samples, 1970-01-01T00:00:00";
  std::vector<std::string> notes;
  const auto printed = [&](SampleFormat format) {
    SamplePrinter printer(format, 0, [&](std::string_view note) { notes.emplace_back(note); });
    testing::internal::CaptureStdout();
    EXPECT_TRUE(printer.Add(placement).ok());
    EXPECT_TRUE(printer.Add(Erased()).ok());
    fflush(stdout);
    return testing::internal::GetCapturedStdout();
  };
  EXPECT_THAT(printed(SampleFormat::kTable), testing::StartsWith("-- " + line));
  EXPECT_THAT(
      printed(SampleFormat::kJsonLines),
      testing::StartsWith(R"({"unreadable":{"reason":"UNREADABLE_REASON_ERASED","stream_id")"));
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(printed(SampleFormat::kCsv), "");
  EXPECT_THAT(notes, testing::ElementsAre(testing::StartsWith(line)));
}

// A block of one sample each on a channel of `type`, and what the printer makes of them: its rows.
template <class Value>
std::vector<std::string> Rows(SampleFormat format, v1::ChannelType type,
                              const std::vector<Value>& values, double scale = 1,
                              double offset = 0) {
  v1::ReadSamplesResponse stream;
  v1::Channel& channel = *stream.mutable_stream()->mutable_declaration()->add_channels();
  channel.set_name("x");
  channel.set_type(type);
  channel.set_scale(scale);
  channel.set_offset(offset);
  v1::ReadSamplesResponse block;
  block.mutable_block()->set_count(static_cast<uint32_t>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    AppendLe(*block.mutable_block()->mutable_stamps_device_ns(), static_cast<int64_t>(i));
    AppendLe(*block.mutable_block()->mutable_values(), values[i]);
  }
  SamplePrinter printer(format, 0);
  testing::internal::CaptureStdout();
  EXPECT_TRUE(printer.Add(stream).ok());
  EXPECT_TRUE(printer.Add(block).ok());
  fflush(stdout);
  std::istringstream lines(testing::internal::GetCapturedStdout());
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(line);
  if (format != SampleFormat::kJsonLines && !rows.empty()) rows.erase(rows.begin());
  return rows;
}

// What stands behind the last `separator`, without a closing brace.
std::string LastCell(const std::string& row, char separator) {
  std::string cell = row.substr(row.rfind(separator) + 1);
  if (!cell.empty() && cell.back() == '}') cell.pop_back();
  return cell;
}

template <class Value>
std::vector<Value> ExtremeValues() {
  using Limits = std::numeric_limits<Value>;
  std::vector<Value> values = {Value{0},          -Value{0},
                               Limits::min(),     Limits::max(),
                               Limits::lowest(),  Limits::denorm_min(),
                               Limits::epsilon(), Value(0.922324996665417),
                               Value(1) / 3,      Value(0.1),
                               Value(1e22),       Value(16'777'217)};
  std::mt19937_64 random(7);
  using Bits = std::conditional_t<sizeof(Value) == 8, uint64_t, uint32_t>;
  while (values.size() < 5'000) {
    const auto value = std::bit_cast<Value>(static_cast<Bits>(random()));
    if (std::isfinite(value)) values.push_back(value);
  }
  return values;
}

template <class Value>
void ExpectEveryValueReadsBack(v1::ChannelType type) {
  using Bits = std::conditional_t<sizeof(Value) == 8, uint64_t, uint32_t>;
  const std::vector<Value> values = ExtremeValues<Value>();
  for (const auto& [format, separator] :
       {std::pair(SampleFormat::kCsv, ','), std::pair(SampleFormat::kJsonLines, ':')}) {
    const std::vector<std::string> rows = Rows(format, type, values);
    ASSERT_EQ(rows.size(), values.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::string cell = LastCell(rows[i], separator);
      Value read = 0;
      const auto end = std::from_chars(cell.data(), cell.data() + cell.size(), read);
      ASSERT_EQ(end.ptr, cell.data() + cell.size()) << rows[i];
      ASSERT_EQ(std::bit_cast<Bits>(read), std::bit_cast<Bits>(values[i])) << rows[i];
    }
  }
}

TEST(SamplePrinter, WritesEveryFloatSoThatItReadsBack) {
  ExpectEveryValueReadsBack<double>(v1::CHANNEL_TYPE_FLOAT64);
  ExpectEveryValueReadsBack<float>(v1::CHANNEL_TYPE_FLOAT32);
}

TEST(SamplePrinter, WritesAsFewDigitsAsItNeeds) {
  EXPECT_THAT(Rows(SampleFormat::kCsv, v1::CHANNEL_TYPE_FLOAT32, std::vector<float>{0.1F, -0.0F}),
              testing::ElementsAre(",0,0.1", ",1,-0"));
  EXPECT_THAT(Rows(SampleFormat::kCsv, v1::CHANNEL_TYPE_INT32, std::vector<int32_t>{-5}),
              testing::ElementsAre(",0,-5"));
  EXPECT_THAT(
      Rows(SampleFormat::kJsonLines, v1::CHANNEL_TYPE_INT16, std::vector<int16_t>{3}, 0.5, 1),
      testing::ElementsAre(R"({"study_time":null,"device_ns":0,"x":2.5})"));
}

TEST(SamplePrinter, NamesWhatIsNotFinite) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<double> values = {std::nan(""), kInfinity, -kInfinity};
  EXPECT_THAT(Rows(SampleFormat::kCsv, v1::CHANNEL_TYPE_FLOAT64, values),
              testing::ElementsAre(",0,nan", ",1,inf", ",2,-inf"));
  EXPECT_THAT(Rows(SampleFormat::kJsonLines, v1::CHANNEL_TYPE_FLOAT64, values),
              testing::ElementsAre(testing::EndsWith(R"("x":"NaN"})"),
                                   testing::EndsWith(R"("x":"Infinity"})"),
                                   testing::EndsWith(R"("x":"-Infinity"})")));
}

// The heading of a CSV with one channel of this name.
std::string CsvHeading(const std::string& channel) {
  v1::ReadSamplesResponse stream;
  stream.mutable_stream()->mutable_declaration()->add_channels()->set_name(channel);
  stream.mutable_stream()->mutable_declaration()->mutable_channels(0)->set_unit("m/s2");
  SamplePrinter printer(SampleFormat::kCsv, 0);
  testing::internal::CaptureStdout();
  EXPECT_TRUE(printer.Add(stream).ok());
  fflush(stdout);
  return testing::internal::GetCapturedStdout();
}

TEST(SamplePrinter, QuotesChannelNamesThatWouldBreakACsv) {
  EXPECT_EQ(CsvHeading("acc x"), "study_time,device_ns,acc x [m/s2]\n");
  EXPECT_EQ(CsvHeading("x,y"), "study_time,device_ns,\"x,y [m/s2]\"\n");
  EXPECT_EQ(CsvHeading("the \"x\""), "study_time,device_ns,\"the \"\"x\"\" [m/s2]\"\n");
  EXPECT_EQ(CsvHeading("a\nb"), "study_time,device_ns,\"a\nb [m/s2]\"\n");
}

// Ends the process with what the printer says once stdout has failed. Such an error stays for the
// whole process, so this is for a death test.
[[noreturn]] void PrintUntilStdoutFails() {
  constexpr int kBlocksMost = 1'000;
  SamplePrinter printer(SampleFormat::kTable, 0);
  absl::Status printed;
  for (int i = 0; printed.ok() && i < kBlocksMost; ++i) printed = printer.Add(Erased());
  std::_Exit(ExitCodeOf(printed));
}

TEST(SamplePrinterDeathTest, StopsEarlyOnAFullDisk) {
  EXPECT_EXIT(
      {
        if (std::freopen("/dev/full", "w", stdout) == nullptr) std::_Exit(kExitUsage);
        PrintUntilStdoutFails();
      },
      testing::ExitedWithCode(kExitFailure), "");
}

TEST(SamplePrinterDeathTest, StopsEarlyWhenTheReaderLeft) {
  EXPECT_EXIT(
      {
        std::signal(SIGPIPE, SIG_IGN);  // as main() does
        int ends[2];
        if (::pipe(ends) != 0 || ::close(ends[0]) != 0) std::_Exit(kExitUsage);
        if (::dup2(ends[1], STDOUT_FILENO) < 0) std::_Exit(kExitUsage);
        PrintUntilStdoutFails();
      },
      testing::ExitedWithCode(kExitReaderGone), "");
}

TEST(Progress, IsQuietAboutAllButWarnings) {
  Progress quiet(true);
  testing::internal::CaptureStderr();
  quiet.Update("half");
  quiet.Say("wrote it");
  quiet.Warn("acc: cannot be read: 1.0 min damaged");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "acc: cannot be read: 1.0 min damaged\n");
}

TEST(UnreadableNote, SumsByReason) {
  v1::StreamCoverage coverage;
  EXPECT_EQ(UnreadableNote("acc", coverage.unreadable()), "");
  for (int i = 0; i < 2; ++i) {
    v1::UnreadableRange& range = *coverage.add_unreadable();
    range.set_reason(v1::UNREADABLE_REASON_DAMAGED);
    range.mutable_range()->set_end_ns(30'000'000'000);
  }
  EXPECT_EQ(UnreadableNote("acc", coverage.unreadable()),
            "acc: cannot be read: " + FormatSpan(60) + " damaged");
}

TEST(PlaceOnStudyTime, FollowsTheLineAndSurvivesOddStamps) {
  v1::ClockPlacement placement;
  placement.set_anchor_device_ns(100);
  placement.set_anchor_study_ns(1'000'000);
  EXPECT_EQ(PlaceOnStudyTime(placement, 150), 1'000'050);
  EXPECT_EQ(PlaceOnStudyTime(placement, 50), 999'950);
  placement.set_rate_ppb(1e6);  // one in a thousand
  EXPECT_EQ(PlaceOnStudyTime(placement, 2'100), 1'000'000 + 2'000 + 2);
  PlaceOnStudyTime(placement, INT64_MIN);  // wraps, does not trap
}

TEST(ExitCode, FollowsTheStatus) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), kExitOk);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), kExitNotFound);
  EXPECT_EQ(ExitCodeOf(absl::AlreadyExistsError("")), kExitConflict);
  EXPECT_EQ(ExitCodeOf(absl::PermissionDeniedError("")), kExitAuth);
  EXPECT_EQ(ExitCodeOf(absl::DataLossError("")), kExitDamaged);
  EXPECT_EQ(ExitCodeOf(absl::UnknownError("")), kExitFailure);
  EXPECT_EQ(ExitCodeOf(PartialError("half")), kExitPartial);
}

}  // namespace
}  // namespace tidemark::cli
