#include "base/metrics/process_metrics.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>

#include "absl/time/clock.h"

namespace tidemark::metrics {
namespace {

double ValueOf(const Registry& registry, const std::string& name) {
  std::istringstream page(registry.Text());
  for (std::string line; std::getline(page, line);) {
    if (line.rfind(name + " ", 0) == 0) return std::stod(line.substr(name.size() + 1));
  }
  ADD_FAILURE() << name << " is not on the page";
  return 0;
}

TEST(ProcessMetricsTest, SaysWhatTheSystemKnows) {
  Registry registry;
  const ProcessMetrics metrics(registry);
  EXPECT_GT(ValueOf(registry, "process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(ValueOf(registry, "process_cpu_seconds_total"), 0);
  EXPECT_GE(ValueOf(registry, "process_max_fds"), 64);
  const double age_s = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()) -
                       ValueOf(registry, "process_start_time_seconds");
  EXPECT_GT(age_s, -0.1);  // known to a tick
  EXPECT_LT(age_s, 3600);
}

TEST(ProcessMetricsTest, CountsDescriptors) {
  Registry registry;
  const ProcessMetrics metrics(registry);
  const double before = ValueOf(registry, "process_open_fds");
  const int more = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(ValueOf(registry, "process_open_fds"), before + 1);
  close(more);
}

}  // namespace
}  // namespace tidemark::metrics
