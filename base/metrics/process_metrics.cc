#include "base/metrics/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace tidemark::metrics {
namespace {

constexpr double kMicrosecond = 1e-6;
constexpr double kNanosecond = 1e-9;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  double total_pages = 0;
  double resident_pages = 0;
  if (!(file >> total_pages >> resident_pages)) return kUnknown;
  return resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Without the one that lists them.
double OpenDescriptors() {
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  double count = -1;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  return error ? kUnknown : count;
}

double DescriptorsMax() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : kUnknown;
}

double CpuSeconds() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return kUnknown;
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * kMicrosecond;
}

double SecondsOf(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * kNanosecond;
}

// Since 1970, from the time since the machine started. The name of the program, which stands in
// brackets, may hold spaces and brackets.
double StartSeconds() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(std::min(line.rfind(')') + 1, line.size())));
  constexpr int kFieldsBefore = 19;  // of the 22nd, counted behind the name
  std::string skipped;
  for (int i = 0; i < kFieldsBefore; ++i) fields >> skipped;
  double ticks = 0;
  if (!(fields >> ticks)) return kUnknown;
  const double age = SecondsOf(CLOCK_BOOTTIME) - ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  return SecondsOf(CLOCK_REALTIME) - age;
}

}  // namespace

ProcessMetrics::ProcessMetrics(Registry& registry)
    : sources_{
          registry
              .AddReading(
                  {"process_resident_memory_bytes", "Memory that is resident.", Unit::kBytes})
              .Add(ResidentBytes),
          registry.AddReading({"process_open_fds", "Descriptors that are open."})
              .Add(OpenDescriptors),
          registry.AddReading({"process_max_fds", "Descriptors that may be open."})
              .Add(DescriptorsMax),
          registry
              .AddGrowingReading({"process_cpu_seconds_total",
                                  "Time of processors, in user and system mode.", Unit::kSeconds})
              .Add(CpuSeconds),
          registry
              .AddReading({"process_start_time_seconds", "When the process began, since 1970.",
                           Unit::kSeconds})
              .Add([start = StartSeconds()] { return start; })} {}

ProcessMetrics& ProcessMetrics::OfProcess() {
  static ProcessMetrics& metrics = *new ProcessMetrics(Registry::OfProcess());
  return metrics;
}

}  // namespace tidemark::metrics
