// Runs the built `tidemark` against a server on this machine, as a script would.
#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace tidemark::cli {

struct CliResult {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// Remembers which commands were run and how they ended.
class CliRunner {
 public:
  // Commands run in `folder`, so that they may name files in it shortly.
  CliRunner(std::string binary, int port, std::string folder)
      : binary_(std::move(binary)), port_(port), folder_(std::move(folder)) {}

  // `environment` stands before the command: "NAME=value".
  CliResult Run(const std::string& args, const std::string& environment = "") {
    const std::string err_file = folder_ + "/stderr";
    const std::string command =
        "cd '" + folder_ +
        "' && env -u TIDEMARK_TOKEN_FILE TIDEMARK_SERVER=127.0.0.1:" + std::to_string(port_) + " " +
        environment + " '" + binary_ + "' " + args + " 2>'" + err_file + "' </dev/null";
    CliResult result;
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return result;
    char buffer[4096];
    for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
      result.out.append(buffer, n);
    }
    const int state = ::pclose(pipe);
    result.exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
    std::ifstream err(err_file);
    result.err.assign(std::istreambuf_iterator<char>(err), {});
    Note(args, result.exit_code);
    return result;
  }

  // Every command that does something: those of the tree without commands below them. Read from the
  // completion script, which knows the tree.
  std::set<std::string> Leaves() {
    const std::string script = Run("completion bash").out;
    std::set<std::string> paths;
    const size_t begin = script.find("paths=(") + 7;
    const std::string list = script.substr(begin, script.find(')', begin) - begin);
    for (size_t at = list.find('\''); at != std::string::npos; at = list.find('\'', at)) {
      const size_t end = list.find('\'', at + 1);
      paths.insert(list.substr(at + 1, end - at - 1));
      at = end + 1;
    }
    std::set<std::string> leaves;
    for (const std::string& path : paths) {
      const auto next = paths.lower_bound(path + " ");
      const bool has_below = path.empty() || (next != paths.end() && next->starts_with(path + " "));
      if (!has_below) leaves.insert(path);
    }
    return leaves;
  }
  bool WasRun(const std::string& leaf) const { return run_.contains(leaf); }
  const std::set<int>& exit_codes() const { return exit_codes_; }

 private:
  // The words before the first option, and every beginning of them.
  void Note(const std::string& args, int exit_code) {
    exit_codes_.insert(exit_code);
    std::string path;
    size_t at = 0;
    while (at < args.size() && args[at] != '-') {
      const size_t end = std::min(args.find(' ', at), args.size());
      path += (path.empty() ? "" : " ") + args.substr(at, end - at);
      run_.insert(path);
      at = end + 1;
    }
  }

  const std::string binary_;
  const int port_;
  const std::string folder_;
  std::set<std::string> run_;
  std::set<int> exit_codes_;
};

}  // namespace tidemark::cli
