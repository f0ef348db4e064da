// Another program that a bench starts, watches and ends.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tidemark::bench {

// Ended on destruction: asked to, then killed. Ends as well when this process does.
class ChildProcess {
 public:
  // `command` is the path of the program and its arguments; what it prints is appended to `log`.
  static absl::StatusOr<ChildProcess> Start(const std::vector<std::string>& command,
                                            const std::string& log);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess();

  // Waits for its end. INTERNAL unless it ended with 0.
  absl::Status Wait();
  bool IsRunning();

  // Memory it holds, and the most that it ever held since ForgetPeak(); MiB.
  absl::StatusOr<double> ResidentMib() const;
  absl::StatusOr<double> PeakResidentMib() const;
  absl::Status ForgetPeak() const;

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}

  pid_t pid_ = -1;
};

// Runs a program to its end.
absl::Status RunProgram(const std::vector<std::string>& command, const std::string& log);

// The number that a server writes into its port file once it is up.
//   DEADLINE_EXCEEDED  it did not come up
//   INTERNAL           it ended
absl::StatusOr<int> WaitForPort(ChildProcess& process, const std::string& port_file);

}  // namespace tidemark::bench
