// tidemark_bench: measures, prints a table, writes JSON and docs/BENCHMARKS.md. Run by ./dev bench.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "base/flags/flags.h"
#include "base/status_macros.h"
#include "cli/import/import.h"
#include "cli/simulate/simulate.h"
#include "tests/bench/access_bench.h"
#include "tests/bench/benchmarks_page.h"
#include "tests/bench/figure.h"
#include "tests/bench/index_bench.h"
#include "tests/bench/ingest_bench.h"
#include "tests/bench/ingest_pressure.h"
#include "tests/bench/ingest_rates.h"
#include "tests/bench/ingest_steady.h"
#include "tests/bench/limits_database.h"
#include "tests/bench/motion_values.h"
#include "tests/bench/null_sink.h"
#include "tests/bench/read_bench.h"
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
  std::string tidemarkd;
  std::string cluster_dsn;
  std::string only;
  std::string null_sink;
  tidemark::bench::IngestBenchOptions ingest;
};

// Of the rigs that start servers of their own.
absl::StatusOr<tidemark::bench::RigOptions> RigOptionsOf(const Options& options) {
  if (options.tidemarkd.empty() || options.cluster_dsn.empty()) {
    return absl::InvalidArgumentError("--tidemarkd and --cluster-dsn are needed");
  }
  return tidemark::bench::RigOptions{.tidemarkd = options.tidemarkd,
                                     .cluster_dsn = options.cluster_dsn,
                                     .work = options.ingest.work,
                                     .data = options.data,
                                     .quick = options.ingest.quick,
                                     .only = options.only};
}

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

absl::Status MeasureLoneLatency(const Options& options, std::vector<Figure>& figures) {
  if (!tidemark::bench::IsAskedFor(options.only, {"ingest.lone_p50_ms", "ingest.lone_p99_ms"})) {
    return absl::OkStatus();
  }
  if (options.ingest.server.empty()) {
    return absl::InvalidArgumentError("--server and --operator-token-file are needed");
  }
  TM_ASSIGN_OR_RETURN(figures, tidemark::bench::MeasureIngest(options.ingest));
  return absl::OkStatus();
}

absl::Status MeasureIngest(const Options& options, GroupSection& section) {
  TM_ASSIGN_OR_RETURN(const auto rig, RigOptionsOf(options));
  TM_ASSIGN_OR_RETURN(const auto values, tidemark::bench::MotionValues::Load(options.data));
  section.data = values.what();
  std::vector<Figure>& figures = section.figures;
  std::vector<double> idle_mib;
  TM_RETURN_IF_ERROR(MeasureLoneLatency(options, figures));
  TM_RETURN_IF_ERROR(tidemark::bench::MeasureIngestRates(rig, values, figures, idle_mib));
  TM_RETURN_IF_ERROR(tidemark::bench::MeasureIngestSteady(rig, values, figures, idle_mib));
  TM_RETURN_IF_ERROR(tidemark::bench::MeasureIngestPressure(rig, values, figures, idle_mib));
  return tidemark::bench::MeasureIdleMemory(rig, std::move(idle_mib), figures);
}

std::string IngestMethod() {
  return tidemark::bench::IngestMethod() + "\n" + tidemark::bench::IngestRatesMethod() + "\n" +
         tidemark::bench::IngestSteadyMethod() + "\n" + tidemark::bench::IngestPressureMethod();
}

absl::Status MeasureRead(const Options& options, GroupSection& section) {
  TM_ASSIGN_OR_RETURN(const auto rig, RigOptionsOf(options));
  TM_ASSIGN_OR_RETURN(section.figures, tidemark::bench::MeasureRead(rig));
  return absl::OkStatus();
}

template <int64_t kRows>
absl::Status MeasureIndex(const Options& options, GroupSection& section) {
  TM_ASSIGN_OR_RETURN(const auto rig, RigOptionsOf(options));
  TM_ASSIGN_OR_RETURN(section.figures, tidemark::bench::MeasureIndex(rig, kRows));
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
  bool by_name_only = false;  // too long to be measured unless it is named
};
constexpr Group kGroups[] = {
    {"access", "cost of row security, encryption, authorization, erasing",
     tidemark::bench::AccessMethod, MeasureAccess},
    {"ingest", "receipts: latency, speeds, fairness, poison, memory", IngestMethod, MeasureIngest},
    {"read", "samples and pictures of sealed data", tidemark::bench::ReadMethod, MeasureRead},
    {"storage", "stored bytes per sample of every modality", tidemark::bench::StorageMethod,
     MeasureStorage},
    {"index", "a database of 10^7 chunks; only when named", tidemark::bench::IndexMethod,
     MeasureIndex<tidemark::bench::kIndexRows>, true},
    {"index_1e8", "the same of 10^8", [] { return std::string("As `index`, with 10^8 rows.\n"); },
     MeasureIndex<tidemark::bench::kManyIndexRows>, true}};

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
  if (!options.only.empty()) command += " --only " + options.only;
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
    section.measured = options.groups.empty() ? !group.by_name_only
                                              : std::count(options.groups.begin(),
                                                           options.groups.end(), group.name) > 0;
    if (!section.measured) continue;
    const absl::Status measured = group.measure(options, section);
    figures.insert(figures.end(), section.figures.begin(), section.figures.end());
    if (measured.ok()) continue;
    // What was measured before is worth seeing.
    fmt::print("{}", tidemark::bench::FormatTable(figures, Judge::kNothing));
    return Fail(fmt::format("{}: {}", group.name, std::string(measured.message())));
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
  bench.AddOption("--only", options.only,
                  "Of ingest and read, only figures that have this in their id");
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
  bench.AddOption("--tidemarkd", options.tidemarkd,
                  "The server's program: ingest, read and index start servers of their own");
  bench.AddOption("--cluster-dsn", options.cluster_dsn,
                  "Cluster of the bench's own, database postgres, without a user, for these");
  bench.AddOption("--work", options.ingest.work, "Folder for the keys of the bench's devices");
  bench.AddOption(tidemark::bench::kNullSinkFlag, options.null_sink,
                  "Only serves uploads and discards them; the port goes to this file. The bench "
                  "starts itself so");
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
  if (!options.null_sink.empty()) {
    return tidemark::bench::ServeNullSink(options.null_sink) ? kExitOk : kExitFailure;
  }
  if ((options.ingest.quick || !options.only.empty()) && !options.page.empty()) {
    Fail("--quick and --only leave out what the page needs: leave one of them out");
    return kExitUsage;
  }
  if (options.list) {
    for (const Group& group : kGroups) fmt::print("{:<10} {}\n", group.name, group.summary);
    return kExitOk;
  }
  return Run(options);
}
