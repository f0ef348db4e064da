// The built `tidemark` as scripts meet it: exit codes, streams, completions.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/exit_code.h"
#include "cli/output.h"
#include "ingest/client/durable_file.h"
#include "ingest/client/ledger.h"
#include "tests/cli/cli_runner.h"
#include "tests/ingest/client/receipt_maker.h"
#include "tests/ingest/client/test_folder.h"
#include "tests/support/status_matchers.h"
#include "tidemark/v1/server.pb.h"

namespace tidemark::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CliTest : public ::testing::Test {
 protected:
  // Runs `tidemark <args>`; port 1 of this machine serves nobody.
  CliResult Run(const std::string& args) {
    return CliRunner(TIDEMARK_CLI, /*port=*/1, folder_.path().string()).Run(args);
  }
  std::string TokenFile() {
    std::ofstream(folder_ / "token") << "manager_x_y\n";
    return (folder_ / "token").string();
  }

  ingest::TestFolder folder_;
};

TEST_F(CliTest, HelpAndVersionGoToStdoutAndSucceed) {
  for (const char* args : {"--help", "device enrol --help", "--version"}) {
    const CliResult result = Run(args);
    EXPECT_EQ(result.exit_code, kExitOk) << args;
    EXPECT_THAT(result.out, Not(IsEmpty())) << args;
    EXPECT_THAT(result.err, IsEmpty()) << args;
  }
}

TEST_F(CliTest, AnUnknownCommandIsNamedWithItsPath) {
  EXPECT_THAT(Run("study frobnicate").err, AllOf(HasSubstr("\"tidemark study frobnicate\""),
                                                 HasSubstr("tidemark study --help")));
  EXPECT_THAT(Run("frobnicate").err, HasSubstr("\"tidemark frobnicate\""));
}

TEST_F(CliTest, WrongWordsAreUsage) {
  for (const char* args :
       {"", "study", "study frobnicate", "study create", "--no-such-flag study list",
        "samples --participant p", "completion tcsh", "help nothing",
        "samples --participant x --stream y --from 2022-01-01T00:00:00Z",
        "samples --participant x --stream y --from soon --to later",
        "demo --work w --operator-token-file f", "study list --token-file /no/such/file"}) {
    const CliResult result = Run(args);
    EXPECT_EQ(result.exit_code, kExitUsage) << args << ": " << result.err;
    EXPECT_THAT(result.out, IsEmpty()) << args;
    EXPECT_THAT(result.err, HasSubstr("tidemark: ")) << args;
  }
}

TEST_F(CliTest, AnErrorIsOneLineThatNamesFieldAndRule) {
  const CliResult result =
      Run("overview --participant x --stream y --from 5 --to 5 --token-file " + TokenFile());
  EXPECT_EQ(result.exit_code, kExitUsage);
  EXPECT_EQ(result.err, "tidemark: from, to: the range is empty\n");
}

TEST_F(CliTest, NoServerIsUnavailableAndSaysWhatToDo) {
  const CliResult result = Run("study list --token-file " + TokenFile());
  EXPECT_EQ(result.exit_code, kExitUnavailable);
  EXPECT_THAT(result.err, AllOf(HasSubstr("127.0.0.1:1"), HasSubstr("tidemark doctor")));
}

TEST_F(CliTest, NoTokenIsAnAuthorizationFailure) {
  const CliResult result = Run("study list");
  EXPECT_EQ(result.exit_code, kExitAuth);
  EXPECT_THAT(result.err, HasSubstr("--token-file"));
}

TEST_F(CliTest, AFolderWithoutADeviceIsNotFound) {
  const CliResult result = Run("upload " + folder_.path().string());
  EXPECT_EQ(result.exit_code, kExitNotFound);
  EXPECT_THAT(result.err, HasSubstr("tidemark device enrol"));
}

// A folder where a file should be written: nothing that a server could help with.
TEST_F(CliTest, AFileOfThisMachineIsNoFaultOfTheServer) {
  {
    TM_ASSERT_OK_AND_ASSIGN(ingest::Ledger ledger,
                            ingest::Ledger::Open(folder_ / "receipts.ledger"));
  }
  std::filesystem::create_directories(folder_ / "keys.json");
  const CliResult result = Run("receipt verify " + folder_.path().string() + " --keys " +
                               (folder_ / "keys.json").string());
  EXPECT_EQ(result.exit_code, kExitFailure) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("keys.json"), Not(HasSubstr("tidemarkd"))));
  EXPECT_EQ(Run("receipt list " + (folder_ / "none").string()).exit_code, kExitNotFound);
}

TEST_F(CliTest, WhatHappensHereAndWhatHappensThereHaveTheirOwnCodes) {
  const absl::Status full = absl::ResourceExhaustedError("full");
  EXPECT_EQ(ExitCodeOf(full), kExitUnavailable);
  EXPECT_EQ(ExitCodeOf(ingest::OnThisMachine(full)), kExitFailure);
  EXPECT_THAT(HintFor(ingest::OnThisMachine(full), "h:1"), Not(HasSubstr("h:1")));
  EXPECT_EQ(ExitCodeOf(ingest::OnThisMachine(absl::PermissionDeniedError("no"))), kExitFailure);
  EXPECT_THAT(HintFor(ingest::OnThisMachine(absl::PermissionDeniedError("no")), "h:1"),
              Not(HasSubstr("token")));
  EXPECT_EQ(ExitCodeOf(ingest::OnThisMachine(absl::NotFoundError("no"))), kExitNotFound);
  EXPECT_EQ(ExitCodeOf(SetAsideError("3")), kExitSetAside);
  EXPECT_EQ(ExitCodeOf(PartialError("3")), kExitPartial);
}

// /dev/full takes nothing: as a disk without room does. Answers within one buffer fail at its last
// flush, larger ones before.
TEST_F(CliTest, DataThatCannotBeWrittenIsNoSuccess) {
  constexpr size_t kBufferBytes = 4096;  // stdio takes the block size of the device
  ASSERT_GT(Run("completion bash").out.size(), kBufferBytes);
  {
    TM_ASSERT_OK_AND_ASSIGN(ingest::Ledger ledger,
                            ingest::Ledger::Open(folder_ / "receipts.ledger"));
  }
  const std::string list = "receipt list " + folder_.path().string();
  for (const std::string& args : {list, list + " --json", std::string("completion bash"),
                                  std::string("help names"), std::string("--help")}) {
    const CliResult result = Run(args + " >/dev/full");
    EXPECT_EQ(result.exit_code, kExitFailure) << args;
    EXPECT_THAT(result.err, AllOf(HasSubstr("stdout"), HasSubstr("No space left"))) << args;
  }
}

TEST_F(CliTest, AReaderThatLeavesIsNotComplainedAbout) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  ASSERT_LT(ends[1], 10) << "the shell knows descriptors of one digit";
  for (const char* args : {"completion bash", "help names"}) {
    const CliResult result = Run(fmt::format("{} >&{}", args, ends[1]));
    EXPECT_EQ(result.exit_code, kExitReaderGone) << args;
    EXPECT_THAT(result.err, IsEmpty()) << args;
  }
  ::close(ends[1]);
}

TEST_F(CliTest, GlobalOptionsMayStandAnywhere) {
  EXPECT_EQ(Run("--json study list").exit_code, kExitAuth);
  EXPECT_EQ(Run("study list --json").exit_code, kExitAuth);
  EXPECT_EQ(Run("study --json list").exit_code, kExitAuth);
}

TEST_F(CliTest, DoctorReportsAnUnreachableServerAndTheFolder) {
  const CliResult result = Run("doctor --json --folder " + folder_.path().string());
  EXPECT_EQ(result.exit_code, kExitUnavailable);
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["checks"][0]["check"], "server");
  EXPECT_EQ(json["checks"][0]["verdict"], "FAILED");
  EXPECT_EQ(json["checks"][1]["check"], "folder");
}

TEST_F(CliTest, OperatorsVerbsNeedATokenAndAServer) {
  for (const char* args : {"key rotate", "admin restored", "admin restored --force"}) {
    EXPECT_EQ(Run(args).exit_code, kExitAuth) << args;
    EXPECT_EQ(Run(std::string(args) + " --token-file " + TokenFile()).exit_code, kExitUnavailable);
  }
  EXPECT_EQ(Run("doctor --security --token-file " + TokenFile()).exit_code, kExitUnavailable);
  EXPECT_EQ(Run("key").exit_code, kExitUsage);
}

TEST_F(CliTest, ReceiptsAreListedAndProvenOffline) {
  const ingest::ReceiptMaker maker;
  const ingest::ReceiptMaker other("k1");  // another key under the same name
  {
    TM_ASSERT_OK_AND_ASSIGN(ingest::Ledger ledger,
                            ingest::Ledger::Open(folder_ / "receipts.ledger"));
    v1::ReceiptStatement statement;
    statement.set_version(1);
    statement.set_number(7);
    statement.set_outcome(v1::OUTCOME_STORED);
    TM_ASSERT_OK_AND_ASSIGN(const v1::Receipt good,
                            ingest::ToStandalone(maker.Sign({statement}), 0));
    TM_ASSERT_OK_AND_ASSIGN(const v1::Receipt bad,
                            ingest::ToStandalone(other.Sign({statement}), 0));
    ASSERT_THAT(ledger.Append(std::vector{good, bad}), support::IsOk());
  }
  const CliResult list = Run("receipt list --json " + folder_.path().string());
  EXPECT_EQ(list.exit_code, kExitOk);
  EXPECT_EQ(nlohmann::json::parse(list.out)[0]["number"], 7);

  v1::GetServerInfoResponse info;
  info.add_receipt_keys()->set_key_id(maker.key_id());
  info.mutable_receipt_keys(0)->set_public_key(maker.public_key());
  std::ofstream(folder_ / "keys.json") << Json::Object({{"server", ToJson(info)}}).Indented();
  const CliResult verify = Run("receipt verify " + folder_.path().string() + " --keys " +
                               (folder_ / "keys.json").string());
  EXPECT_EQ(verify.exit_code, kExitPartial) << verify.err;
  EXPECT_THAT(verify.out, HasSubstr("1 receipts proven, 1 not"));
}

TEST_F(CliTest, ExitCodesAreDocumented) {
  const CliResult result = Run("help exit-codes");
  EXPECT_EQ(result.exit_code, kExitOk);
  for (const char* code : {"  0  ", "  1  ", "  2  ", "  3  ", "  4  ", "  5  ", "  6  ", "  7  ",
                           "  8  ", "  9  ", "130  ", "141  "}) {
    EXPECT_THAT(result.out, HasSubstr(code));
  }
}

TEST_F(CliTest, HelpWithoutATopicListsThemAll) {
  const CliResult result = Run("help");
  EXPECT_EQ(result.exit_code, kExitOk) << result.err;
  for (const char* topic : {"exit-codes", "environment", "names"}) {
    EXPECT_THAT(result.out, HasSubstr(topic));
    EXPECT_EQ(Run(std::string("help ") + topic).exit_code, kExitOk) << topic;
  }
}

TEST_F(CliTest, CompletionsAreValidAndKnowTheTree) {
  const std::string script = (folder_ / "completion").string();
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const CliResult result = Run("completion " + std::string(shell));
    EXPECT_EQ(result.exit_code, kExitOk);
    EXPECT_THAT(result.out, AllOf(HasSubstr("rotate-key"), HasSubstr("quarantine"),
                                  HasSubstr("accept-unsafe-durability")))
        << shell;
    std::ofstream(script) << result.out;
    if (std::string(shell) != "bash") continue;
    // Completes a noun, a verb and an option as bash itself would.
    const auto complete = [&](const std::string& words, int at) {
      std::ofstream(folder_ / "ask")
          << "source '" << script << "'\nCOMP_WORDS=(" << words << ")\nCOMP_CWORD=" << at
          << "\n_tidemark\nprintf '%s ' \"${COMPREPLY[@]}\"\n";
      std::FILE* const pipe =
          ::popen(("bash '" + (folder_ / "ask").string() + "' 2>&1").c_str(), "r");
      std::string out;
      for (int c; (c = std::fgetc(pipe)) != EOF;) out += static_cast<char>(c);
      ::pclose(pipe);
      return out;
    };
    EXPECT_EQ(complete("tidemark quar", 1), "quarantine ");
    EXPECT_EQ(complete("tidemark device rot", 2), "rotate-key ");
    EXPECT_EQ(complete("tidemark device enrol --fol", 3), "--folder ");
    EXPECT_EQ(complete("tidemark device enrol --tls", 3), "--tls-ca ");
  }
}

// The line names the word and its rule, and nothing is asked of a server first.
TEST_F(CliTest, AWrongValueIsToldWithItsRule) {
  const std::string token = " --token-file " + TokenFile();
  const auto expect = [&](const std::string& args, int exit_code, const std::string& word,
                          const std::string& rule) {
    const CliResult result = Run(args);
    EXPECT_EQ(result.exit_code, exit_code) << args << "\n" << result.err;
    EXPECT_THAT(result.err, AllOf(HasSubstr(word), HasSubstr(rule))) << args;
    EXPECT_THAT(result.out, IsEmpty()) << args;
  };
  const std::string samples = "samples --participant p --stream s" + token;
  expect(samples + " --limit -3", kExitUsage, "--limit", "a whole number from 0");
  expect(samples + " --plot x.svg --format csv", kExitUsage, "--plot", "not with --limit");
  expect("study list --server 127.0.0.1:99999" + token, kExitUsage, "server", "1 to 65535");
  expect("study list --server localhost:http" + token, kExitUsage, "server", "1 to 65535");
  expect("receipt verify /nowhere", kExitNotFound, "/nowhere", "No such file");
  std::ofstream(folder_ / "broken.json") << "{";
  std::ofstream(folder_ / "t.csv") << "t\n1\n";
  expect("import csv " + (folder_ / "t.csv").string() + " --folder " + folder_.path().string() +
             " --mapping " + (folder_ / "broken.json").string(),
         kExitUsage, "broken.json", "is no JSON: parse error at line 1");
}

}  // namespace
}  // namespace tidemark::cli
