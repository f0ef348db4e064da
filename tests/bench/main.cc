// tidemark_bench: measures, prints a table, writes JSON and docs/BENCHMARKS.md. Run by ./dev bench.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "base/flags/flags.h"
#include "cli/import/import.h"
#include "cli/simulate/simulate.h"
#include "tests/bench/access_bench.h"
#include "tests/bench/benchmarks_page.h"
#include "tests/bench/figure.h"
#include "tests/bench/ingest_bench.h"
#include "tests/bench/storage_bench.h"

namespace {

using tidemark::bench::Figure;
using tidemark::bench::GroupSection;
using tidemark::bench::Judge;

enum ExitCode : int { kExitOk = 0, kExitFailure = 1, kExitUsage = 2 };

struct Options {
  std::vector<std::string> groups;
  bool list = false;
  std::string json;
  std::string page;
  std::string data;
  std::string access_dsn;
  tidemark::bench::IngestBenchOptions ingest;
};

// The figures of a group, and what they were measured over, into its section.
absl::Status MeasureStorage(const Options& options, GroupSection& section) {
  std::vector<tidemark::ingest::Recording> recordings;
  if (!options.data.empty()) {
    auto imported = tidemark::cli::DiscoverSharedData(options.data);
    if (!imported.ok()) return imported.status();
    recordings = std::move(imported->recordings);
    section.data = fmt::format("{} real recordings", recordings.size());
  } else {
    recordings = tidemark::cli::SimulateStudy({.audio = true});
    section.data = fmt::format("{} simulated recordings", recordings.size());
  }
  auto figures = tidemark::bench::MeasureStorage(recordings);
  if (!figures.ok()) return figures.status();
  section.figures = *std::move(figures);
  return absl::OkStatus();
}

absl::Status MeasureIngest(const Options& options, GroupSection& section) {
  if (options.ingest.server.empty()) {
    return absl::InvalidArgumentError("--server and --operator-token-file are needed");
  }
  auto figures = tidemark::bench::MeasureIngest(options.ingest);
  if (!figures.ok()) return figures.status();
  section.figures = *std::move(figures);
  return absl::OkStatus();
}

absl::Status MeasureAccess(const Options& options, GroupSection& section) {
  if (options.access_dsn.empty()) return absl::InvalidArgumentError("--access-dsn is needed");
  auto figures = tidemark::bench::MeasureAccess({.dsn = options.access_dsn,
                                                 .work = options.ingest.work + "/access-keys",
                                                 .quick = options.ingest.quick});
  if (!figures.ok()) return figures.status();
  section.figures = *std::move(figures);
  return absl::OkStatus();
}

struct Group {
  const char* name;
  const char* summary;
  std::string (*method)();
  absl::Status (*measure)(const Options&, GroupSection&);
};
constexpr Group kGroups[] = {
    {"access", "cost of row security, encryption, authorization, erasing",
     tidemark::bench::AccessMethod, MeasureAccess},
    {"ingest", "receipts: latency of a lone chunk", tidemark::bench::IngestMethod, MeasureIngest},
    {"storage", "stored bytes per sample of every modality", tidemark::bench::StorageMethod,
     MeasureStorage}};

std::vector<std::string> GroupNames() {
  std::vector<std::string> names;
  for (const Group& group : kGroups) names.emplace_back(group.name);
  return names;
}

int Fail(const std::string& what) {
  fmt::print(stderr, "tidemark_bench: {}\n", what);
  return kExitFailure;
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool WriteAll(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  return static_cast<bool>(file);
}

// What repeats the run, as far as it does not lie in paths.
std::string CommandOf(const Options& options) {
  std::string command = "./dev bench";
  for (const std::string& group : options.groups) command += " " + group;
  return command + (options.ingest.quick ? " --quick" : "");
}

int Run(const Options& options) {
  const tidemark::bench::RunInfo run{
      .machine = tidemark::bench::MachineLine(ReadAll("/proc/cpuinfo")),
      .date = absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone()),
      .command = CommandOf(options)};
  fmt::print("{}\n\n", run.machine);
  std::fflush(stdout);
  std::vector<GroupSection> sections;
  std::vector<Figure> figures;
  for (const Group& group : kGroups) {
    GroupSection& section = sections.emplace_back();
    section.name = group.name;
    section.method = group.method();
    section.measured = options.groups.empty() ||
                       std::count(options.groups.begin(), options.groups.end(), group.name) > 0;
    if (!section.measured) continue;
    const absl::Status measured = group.measure(options, section);
    if (!measured.ok()) {
      return Fail(fmt::format("{}: {}", group.name, std::string(measured.message())));
    }
    figures.insert(figures.end(), section.figures.begin(), section.figures.end());
  }
  const Judge judge = options.ingest.quick ? Judge::kNothing : Judge::kFloors;
  fmt::print("{}", tidemark::bench::FormatTable(figures, judge));
  if (!options.json.empty() &&
      !WriteAll(options.json, tidemark::bench::FormatJson(figures, run.command))) {
    return Fail("cannot write " + options.json);
  }
  if (!options.page.empty() && !WriteAll(options.page, tidemark::bench::RenderBenchmarksPage(
                                                           ReadAll(options.page), sections, run))) {
    return Fail("cannot write " + options.page);
  }
  const bool missed = std::any_of(figures.begin(), figures.end(), tidemark::bench::MissesFloor);
  return missed && judge == Judge::kFloors ? kExitFailure : kExitOk;
}

void AddOptions(tidemark::flags::Command bench, Options& options) {
  bench.AddOption("groups", options.groups, "Groups to measure; all without one")
      .OneOf(GroupNames());
  bench.AddFlag("--list", options.list, "Names the groups and ends");
  bench.AddFlag("--quick", options.ingest.quick, "At most a minute a group; judges no floor");
  bench.AddOption("--json", options.json, "Also writes the results as JSON to this file");
  bench.AddOption("--page", options.page,
                  "Also writes them into this copy of docs/BENCHMARKS.md, where the figures of "
                  "other groups stay");
  bench.AddOption("--data", options.data,
                  "Recordings in the layout of the shared data; without: simulated ones");
  bench.AddOption("--server", options.ingest.server, "host:port of an idle server, for ingest");
  bench.AddOption("--operator-token-file", options.ingest.operator_token_file,
                  "Token of its operator");
  bench.AddOption("--access-dsn", options.access_dsn,
                  "Empty database of tm_owner in a cluster of the bench's own, as its superuser, "
                  "for access");
  bench.AddOption("--work", options.ingest.work, "Folder for the keys of the bench's devices");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  tidemark::flags::Parser parser("Measures Tidemark; see docs/BENCHMARKS.md", "tidemark_bench");
  AddOptions(parser.root(), options);
  const auto parsed = parser.Parse(std::vector<std::string>(argv + 1, argv + argc));
  if (!parsed.ok()) {
    Fail(std::string(parsed.status().message()));
    return kExitUsage;
  }
  if (!parsed->answer.empty()) {
    fmt::print("{}", parsed->answer);
    return kExitOk;
  }
  if (options.ingest.quick && !options.page.empty()) {
    Fail("--quick is too short for the page: leave one of them out");
    return kExitUsage;
  }
  if (options.list) {
    for (const Group& group : kGroups) fmt::print("{:<10} {}\n", group.name, group.summary);
    return kExitOk;
  }
  return Run(options);
}
