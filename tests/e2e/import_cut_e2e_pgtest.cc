// `tidemark import` and `tidemark upload` are killed in the middle and typed again: the server then
// has every sample once. Every place where a cut can show is gone through, without a server, in
// tests/ingest/client/import_cut_test.cc; here a few of them, with everything real.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/e2e/cli_runner.h"
#include "tests/server/server_fixture.h"

namespace tidemark::cli {
namespace {

constexpr int kRows = 40;
// Rows lie so far apart that a chunk has no more than a few of them.
constexpr int kRowSeconds = 200;
constexpr int kCutStep = 7;
constexpr int kKilled = 128 + 9;  // as a shell says it

class ImportCutE2e : public server::ServerFixture {
 protected:
  void SetUp() override {
    ServerFixture::SetUp();
    work_ = folder_.File("w");
    std::filesystem::create_directories(work_);
    cli_ = std::make_unique<CliRunner>(std::string(TIDEMARK_BINARY_DIR) + "/bin/tidemark",
                                       server_->port(), work_);
    site_ = MakeSite("cut");
    std::ofstream(work_ + "/token") << site_.manager_token;
    Must(
        fmt::format("participant consent {} grant --data physiology,device --document v1 --from "
                    "2000-01-01T00:00:00Z --token-file token",
                    site_.participant_id));
    std::ofstream csv(work_ + "/walk.csv");
    csv << "t,x\n";
    for (int row = 0; row < kRows; ++row) csv << row * kRowSeconds << "," << row << "\n";
    std::ofstream(work_ + "/walk.json") << R"({"participant": "p1", "device": "d",
      "time": {"column": "t", "unit": "s", "origin": "2026-01-31T09:00:00Z"},
      "streams": [{"name": "hr", "modality": "heart_rate", "channels": [
        {"column": "x", "unit": "/min", "type": "float32"}]}]})";
  }

  std::string Must(const std::string& args) {
    const CliResult result = cli_->Run(args);
    EXPECT_EQ(result.exit_code, 0) << args << "\n" << result.err;
    return result.out;
  }
  // True if the cut came before the end.
  bool RunCutAfter(int calls, const std::string& args) {
    const CliResult result =
        cli_->Run(args, fmt::format("ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD={} "
                                    "TIDEMARK_CUT_AFTER={}",
                                    TIDEMARK_CUT_HERE, calls));
    EXPECT_THAT(result.exit_code, ::testing::AnyOf(0, kKilled)) << args << "\n" << result.err;
    return result.exit_code == kKilled;
  }
  void Enrol(const std::string& device) {
    const auto made = nlohmann::json::parse(
        Must(fmt::format("device create --participant {} {} --json --token-file token",
                         site_.participant_id, device)));
    Must(fmt::format("device enrol --folder {} --code {}", device,
                     std::string(made["enrolment_code"]["code"])));
  }
  // Rows of the stream as the server gives them, the heading left out.
  int SamplesOf(const std::string& device) {
    const std::string csv =
        Must(fmt::format("samples --participant {} --stream {}/hr --format csv --token-file token",
                         site_.participant_id, device));
    return static_cast<int>(std::count(csv.begin(), csv.end(), '\n')) - 1;
  }

  std::string work_;
  server::Site site_;
  std::unique_ptr<CliRunner> cli_;
};

TEST_F(ImportCutE2e, TypedAgainGivesEverySampleOnce) {
  int cuts = 0;
  bool cut = true;
  for (int at = 0; cut; at += kCutStep) {
    const std::string device = fmt::format("d{}", at);
    Enrol(device);
    const std::string import =
        fmt::format("import csv walk.csv --mapping walk.json --folder {}", device);
    const std::string upload = fmt::format("upload {} --accept-unsafe-durability", device);
    const bool import_cut = RunCutAfter(at, import);
    // What is there may go, too, before the import is typed again.
    if (at % 2 == 0) Must(upload);
    Must(import);
    const bool upload_cut = RunCutAfter(at, upload);
    Must(upload);
    EXPECT_EQ(SamplesOf(device), kRows) << "cut after " << at;
    Must(import);
    Must(upload);
    EXPECT_EQ(SamplesOf(device), kRows) << "imported once more";
    cut = import_cut || upload_cut;
    cuts += int{import_cut} + int{upload_cut};
  }
  EXPECT_GT(cuts, 10);
}

}  // namespace
}  // namespace tidemark::cli
