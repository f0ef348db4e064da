// A table of heart rates and devices to import it into, with the real `tidemark` against a server
// of the test.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/cli/cli_runner.h"
#include "tests/server/server_fixture.h"

namespace tidemark::cli {

class ImportFixture : public server::ServerFixture {
 protected:
  // Rows lie so far apart that a chunk has no more than a few of them.
  static constexpr int kRowSeconds = 200;

  void SetUp() override {
    ServerFixture::SetUp();
    ASSERT_NE(server_, nullptr);
    work_ = folder_.File("w");
    std::filesystem::create_directories(work_);
    cli_ = std::make_unique<CliRunner>(std::string(TIDEMARK_BINARY_DIR) + "/bin/tidemark",
                                       server_->port(), work_);
    site_ = MakeSite("import");
    std::ofstream(work_ + "/token") << site_.manager_token;
    Must(
        fmt::format("participant consent {} grant --data physiology,device --document v1 --from "
                    "2000-01-01T00:00:00Z --token-file token",
                    site_.participant_id));
    std::ofstream(work_ + "/walk.json") << R"({"participant": "p1", "device": "d",
      "time": {"column": "t", "unit": "s", "origin": "2026-01-31T09:00:00Z"},
      "streams": [{"name": "hr", "modality": "heart_rate", "channels": [
        {"column": "x", "unit": "/min", "type": "float32"}]}]})";
  }

  void WriteTable(int rows) {
    std::ofstream csv(work_ + "/walk.csv");
    csv << "t,x\n";
    for (int row = 0; row < rows; ++row) csv << row * kRowSeconds << "," << row << "\n";
  }
  static std::string ImportInto(const std::string& device) {
    return fmt::format("import csv walk.csv --mapping walk.json --folder {}", device);
  }
  static std::string Upload(const std::string& device) {
    return fmt::format("upload {} --accept-unsafe-durability", device);
  }

  std::string Must(const std::string& args, const std::string& environment = "") {
    const CliResult result = cli_->Run(args, environment);
    EXPECT_EQ(result.exit_code, 0) << args << "\n" << result.err;
    return result.out;
  }
  // A library that comes before those of the program, whatever sanitizer it was built with.
  static std::string Before(const std::string& library) {
    return fmt::format("ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD={} ", library);
  }
  // Into the folder of that path below the working folder, by the last part of its name.
  void Enrol(const std::string& folder) {
    const std::string name = std::filesystem::path(folder).filename();
    const auto made = nlohmann::json::parse(
        Must(fmt::format("device create --participant {} {} --json --token-file token",
                         site_.participant_id, name)));
    Must(fmt::format("device enrol --folder {} --code {}", folder,
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

}  // namespace tidemark::cli
