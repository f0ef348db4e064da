// The command line of a program: options, which may also stand in a TIDEMARK_* variable or in a
// file of settings, and commands below commands. One layer for every program of the project.
//
// The library behind it (CLI11) is headers only and costs a source file many seconds: flags.cc
// alone includes it.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tidemark::flags {

// A handle, valid as long as its Parser. Each call adds a rule and hands the option on, so that
// they chain.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option Required() const;
  // The help shows what the value is now.
  Option ShowDefault() const;
  // Without the option, its value is that of a variable: TIDEMARK_<NAME> for --name.
  Option FromEnvironment() const;
  Option FromEnvironment(const std::string& variable) const;
  Option Range(int low, int high) const;  // both included
  Option OneOf(const std::vector<std::string>& words) const;

  // On the command line, in the file or in the variable. For after parsing.
  bool given() const;

 private:
  CLI::Option* option_;
};

// A handle like Option. The options of a command may stand before and after those of the commands
// below it.
class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  // `names` is "--name", "-n,--name", or "name" for a word without dashes, which is taken by its
  // place. The value is written when the line is parsed and must live until then.
  // T: std::string, std::vector<std::string> (may be repeated), int, uint32_t, int64_t, uint64_t or
  // double.
  template <class T>
  Option AddOption(const std::string& names, T& value, const std::string& help) const;
  Option AddFlag(const std::string& names, bool& value, const std::string& help) const;

  // A command with commands below it needs one of them. `chosen` runs while the line is parsed, if
  // the whole of it is right.
  Command AddCommand(const std::string& name, const std::string& help,
                     std::function<void()> chosen = {}) const;

 private:
  CLI::App* app_;
};

// A name and what it stands for.
struct Word {
  std::string name;
  std::string help;
};

// What a user may write after the commands of `path`.
struct Syntax {
  std::string path;           // "device enrol"; "" for the program itself
  std::vector<Word> options;  // with their dashes; long names only
  std::vector<Word> commands;
};

// What came of a line that is right.
struct Parsed {
  // The help or the version that was asked for: print it and end. Nothing else counts then.
  std::string answer;
  // With CollectUnknown: the words that nothing takes, and settings of the file that are none.
  std::vector<std::string> unknown;
};

// Add options and commands, parse once. Every program has -h,--help.
class Parser {
 public:
  // `name` is that of the program, in the help and in errors.
  Parser(const std::string& description, const std::string& name);
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  Command root() const;
  void AddVersion(const std::string& version);  // --version
  void SetFooter(const std::string& text);      // under the help
  // An option that names a file of lines option=value; the command line comes before the file, and
  // the file before the environment.
  Option AddSettingsFile(const std::string& name, const std::string& help);
  // Unknown words are not an error but part of the outcome.
  void CollectUnknown();

  // `args` without the program's name.
  //   INVALID_ARGUMENT  one line that names the word and its rule
  absl::StatusOr<Parsed> Parse(std::span<const std::string> args);

  // The program and the commands that the line named as far as it was understood: "tidemark study".
  std::string path() const;
  // The program first, then every command before those below it.
  std::vector<Syntax> Describe() const;

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace tidemark::flags
