// `tidemark import` and `tidemark upload` are killed in the middle and typed again: the server then
// has every sample once. Every place where a cut can show is gone through, without a server, in
// tests/ingest/client/import_cut_test.cc; here a few of them, with everything real.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/e2e/import_fixture.h"

namespace tidemark::cli {
namespace {

constexpr int kCutStep = 7;
constexpr int kKilled = 128 + 9;  // as a shell says it
constexpr int kCutRows = 40;

class ImportCutE2e : public ImportFixture {
 protected:
  // True if the cut came before the end.
  bool RunCutAfter(int calls, const std::string& args) {
    const CliResult result =
        cli_->Run(args, Before(TIDEMARK_CUT_HERE) + fmt::format("TIDEMARK_CUT_AFTER={}", calls));
    EXPECT_THAT(result.exit_code, ::testing::AnyOf(0, kKilled)) << args << "\n" << result.err;
    return result.exit_code == kKilled;
  }
};

TEST_F(ImportCutE2e, TypedAgainGivesEverySampleOnce) {
  WriteTable(kCutRows);
  int cuts = 0;
  bool cut = true;
  for (int at = 0; cut; at += kCutStep) {
    const std::string device = fmt::format("d{}", at);
    Enrol(device);
    const std::string import = ImportInto(device);
    const std::string upload = Upload(device);
    const bool import_cut = RunCutAfter(at, import);
    // What is there may go, too, before the import is typed again.
    if (at % 2 == 0) Must(upload);
    Must(import);
    const bool upload_cut = RunCutAfter(at, upload);
    Must(upload);
    EXPECT_EQ(SamplesOf(device), kCutRows) << "cut after " << at;
    Must(import);
    Must(upload);
    EXPECT_EQ(SamplesOf(device), kCutRows) << "imported once more";
    cut = import_cut || upload_cut;
    cuts += int{import_cut} + int{upload_cut};
  }
  EXPECT_GT(cuts, 10);
}

}  // namespace
}  // namespace tidemark::cli
