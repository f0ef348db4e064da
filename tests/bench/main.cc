// tidemark_bench: measures, prints a table, writes JSON. Run by ./dev bench.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/import/import.h"
#include "cli/simulate/simulate.h"
#include "tests/bench/figure.h"
#include "tests/bench/ingest_bench.h"
#include "tests/bench/storage_bench.h"

namespace {

using tidemark::bench::Figure;

struct Options {
  std::vector<std::string> groups;
  bool list = false;
  std::string json;
  std::string data;
  tidemark::bench::IngestBenchOptions ingest;
};

absl::StatusOr<std::vector<Figure>> Storage(const Options& options) {
  if (std::filesystem::is_directory(options.data)) {
    auto imported = tidemark::cli::DiscoverSharedData(options.data);
    if (!imported.ok()) return imported.status();
    return tidemark::bench::MeasureStorage(imported->recordings);
  }
  fmt::print("storage: no recordings in \"{}\": simulated ones instead\n", options.data);
  return tidemark::bench::MeasureStorage(tidemark::cli::SimulateStudy({.audio = true}));
}

absl::StatusOr<std::vector<Figure>> Ingest(const Options& options) {
  if (options.ingest.server.empty()) {
    return absl::InvalidArgumentError("ingest: --server and --operator-token-file are needed");
  }
  return tidemark::bench::MeasureIngest(options.ingest);
}

struct Group {
  const char* name;
  absl::StatusOr<std::vector<Figure>> (*measure)(const Options&);
};
constexpr Group kGroups[] = {{"ingest", Ingest}, {"storage", Storage}};

bool Wanted(const Options& options, const char* name) {
  return options.groups.empty() ||
         std::find(options.groups.begin(), options.groups.end(), name) != options.groups.end();
}

int Run(const Options& options, const std::string& command) {
  fmt::print("{}\n", tidemark::bench::ProcessorLine());
  std::vector<Figure> figures;
  for (const Group& group : kGroups) {
    if (!Wanted(options, group.name)) continue;
    auto measured = group.measure(options);
    if (!measured.ok()) {
      fmt::print(stderr, "tidemark_bench: {}: {}\n", group.name,
                 std::string(measured.status().message()));
      return 1;
    }
    figures.insert(figures.end(), measured->begin(), measured->end());
  }
  tidemark::bench::PrintFigures(figures);
  if (!options.json.empty()) {
    const absl::Status written = tidemark::bench::WriteFigures(figures, command, options.json);
    if (!written.ok()) {
      fmt::print(stderr, "tidemark_bench: {}\n", std::string(written.message()));
      return 1;
    }
  }
  const bool missed = std::any_of(figures.begin(), figures.end(), tidemark::bench::MissesFloor);
  return missed && !options.ingest.quick ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures Tidemark; see docs/BENCHMARKS.md");
  app.add_option("groups", options.groups, "Groups to measure; all without one")
      ->check(CLI::IsMember({"ingest", "storage"}));
  app.add_flag("--list", options.list, "Names the groups and ends");
  app.add_flag("--quick", options.ingest.quick, "At most a minute a group; judges no floor");
  app.add_option("--json", options.json, "Also writes the results as JSON to this file");
  app.add_option("--data", options.data, "Recordings in the layout of the shared data");
  app.add_option("--server", options.ingest.server, "host:port of an idle server, for ingest");
  app.add_option("--operator-token-file", options.ingest.operator_token_file,
                 "Token of its operator");
  app.add_option("--work", options.ingest.work, "Folder for the keys of the bench's devices");
  CLI11_PARSE(app, argc, argv);
  if (options.list) {
    for (const Group& group : kGroups) fmt::print("{}\n", group.name);
    return 0;
  }
  std::string command = "./dev bench";
  for (const std::string& group : options.groups) command += " " + group;
  if (options.ingest.quick) command += " --quick";
  return Run(options, command);
}
