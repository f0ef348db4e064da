// Programs as an operator starts them.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::server {

inline std::string Program() {
  const char* folder = std::getenv("TIDEMARK_BINARY_DIR");
  return (folder != nullptr ? std::string(folder) : TIDEMARK_BINARY_DIR) + "/bin/tidemarkd";
}

// A running tidemarkd and what it has logged. Killed on destruction.
class Daemon {
 public:
  // `wrapper` stands before the program: a command that runs another one in its place.
  // `environment` are more variables, "NAME=value".
  explicit Daemon(std::vector<std::string> args, std::vector<std::string> wrapper = {},
                  std::vector<std::string> environment = {}) {
    wrapper.push_back(Program());
    Run(std::move(wrapper), std::move(args), std::move(environment));
  }
  // Another program.
  struct Other {
    std::vector<std::string> command;
  };
  Daemon(Other other, std::vector<std::string> environment) {
    Run(std::move(other.command), {}, std::move(environment));
  }
  ~Daemon() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(log_pipe_);
  }

  // Reads the log until it holds `text`; false if it ended first.
  bool WaitForLog(const std::string& text) {
    while (log_.find(text) == std::string::npos) {
      if (!ReadSome()) return false;
    }
    return true;
  }
  pid_t pid() const { return pid_; }
  void Signal(int signal) const { kill(pid_, signal); }
  // Its exit code, with the whole log read; -1 if a signal ended it.
  int Wait() {
    while (ReadSome()) continue;
    int state = 0;
    waitpid(pid_, &state, 0);
    pid_ = 0;
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
  }
  const std::string& log() const { return log_; }

 private:
  bool ReadSome() {
    char buffer[4096];
    const ssize_t size = read(log_pipe_, buffer, sizeof buffer);
    if (size <= 0) return false;
    log_.append(buffer, static_cast<size_t>(size));
    return true;
  }

  static std::vector<char*> Pointers(std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    return pointers;
  }
  void Run(std::vector<std::string> command, std::vector<std::string> args,
           std::vector<std::string> environment) {
    command.insert(command.end(), args.begin(), args.end());
    std::vector<char*> argv = Pointers(command);
    argv.push_back(nullptr);
    std::vector<char*> variables = Pointers(environment);
    for (char** variable = environ; *variable != nullptr; ++variable) {
      variables.push_back(*variable);
    }
    variables.push_back(nullptr);
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    log_pipe_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    EXPECT_EQ(posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), variables.data()), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
  }

  pid_t pid_ = 0;
  int log_pipe_ = -1;
  std::string log_;
};

}  // namespace tidemark::server
